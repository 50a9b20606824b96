"""Every seed of a study, derived from the study's own seed, the trial and the seed's role."""

from __future__ import annotations

import hashlib


def derive(study_seed: int, trial: int | str, role: str) -> int:
    """A seed of 31 bits that depends on nothing but its arguments.

    Args:
        study_seed: the ``seed`` of the study's sampler.
        trial: the trial's number, or the name of a run that is no trial (``"base"``).
        role: what the seed is for: ``"sample"``, ``"train"``, ``"order"``, ...

    Returns:
        An integer in [0, 2^31), the same on every machine and Python version.

    >>> derive(0, 3, "train") == derive(0, 3, "train")
    True
    >>> derive(0, 3, "train") == derive(0, 3, "order")
    False
    """
    digest = hashlib.blake2b(f"{study_seed}/{trial}/{role}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 33
