"""Text from outside made harmless: visible control characters, JSON for a script block, labels for figures, masks."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

# Control characters but tab and line feed, soft hyphens, zero-width and bidirectional marks, tag characters, lone
# surrogates. The joiners U+200C and U+200D stay: Persian, Indic scripts and emoji are written with them.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_BEYOND = re.compile("[\ud800-\udfff\U000e0000-\U000e007f]")
_IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_TEMPLATE = re.compile(r"[%$](?=\{)")


def visible(text: object) -> str:
    r"""The text with characters that nobody can see, or that reorder others, written as escapes.

    >>> visible("a\x1b[31m\u202eb\r\nc")
    'a\\x1b[31m\\u202eb\nc'
    """
    plain = str(text).replace("\r\n", "\n")
    return _BEYOND.sub(_escape, _HIDDEN.sub(_escape, plain))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def excerpt(text: object, longest: int) -> str:
    """The visible text, cut with an ellipsis after ``longest`` characters."""
    shown = visible(str(text)[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def script_json(value: Any) -> str:
    r"""JSON that may stand inside an HTML script block: nothing in it ends the block or begins a comment or a tag.

    Strings become ``visible``; NaN and infinity become null.

    >>> script_json({"a": "</script>", "b": float("nan")})
    '{"a":"\\u003c/script\\u003e","b":null}'
    """
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda found: _IN_SCRIPT[found[0]], text)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def label(text: object, longest: int = 34) -> str:
    """One line for an axis, a legend or a hover box, in which the drawing library reads no markup and no template.

    >>> label("<b>news</b> %{x}")
    '&lt;b&gt;news&lt;/b&gt; %&#123;x}'
    """
    line = html.escape(excerpt(" ".join(str(text).split()), longest), quote=False)
    return _TEMPLATE.sub(lambda found: found[0] + "&#123;", line).replace("&#123;{", "&#123;")


def masked(secret: str) -> str:
    """A personal value of which only the first two and the last two characters can be read.

    >>> masked("jane.doe@example.org"), masked("1234")
    ('ja••••••••••••••••rg', '••••')
    """
    if len(secret) < 8:
        return "•" * len(secret)
    return secret[:2] + "•" * (len(secret) - 4) + secret[-2:]


def masking(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds every one of the personal values, the longest first; None where there are none."""
    kept = sorted({secret for secret in secrets if secret.strip()}, key=lambda secret: (-len(secret), secret))
    return re.compile("|".join(map(re.escape, kept))) if kept else None
