"""Fingerprints of rows as they stand: equal rows in another order, or under another name, are other rows here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from hpo.data.rows import Rows


def fingerprint(made_by: Any, parts: Mapping[str, Rows]) -> str:
    """BLAKE2b of every value of every part, and of what made them, 32 hexadecimal digits.

    Args:
        made_by: settings that decide what the rows are for; JSON.
        parts: rows by name; the order of the names does not count.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(made_by, sort_keys=True).encode())
    for name in sorted(parts):
        frame = parts[name].frame
        for column in frame.columns:
            values = json.dumps([name, str(column), frame[column].tolist()], sort_keys=True, default=str)
            digest.update(values.encode())
    return digest.hexdigest()
