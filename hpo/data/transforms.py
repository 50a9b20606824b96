"""Transforms of texts by name, and of rows: what preprocessing strategies are lists of."""

from __future__ import annotations

import functools
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.paths import is_own
from hpo.config.transforms import ORIGINAL, ROW_TRANSFORMS, check_names
from hpo.data.html_text import strip_html
from hpo.data.normal_form import first_copies
from hpo.data.texts import asked
from hpo.data.user_function import failed, load_function
from hpo.errors import DataError, ObjectiveError

if TYPE_CHECKING:
    from hpo.data.rows import Rows

Transform = Callable[[str], str]
_SPACE = re.compile(r"\s+")
_IN_WORD = re.compile(r"(?<=\w)['\N{RIGHT SINGLE QUOTATION MARK}](?=\w)")


def apply(names: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Texts after the named transforms, one after the other.

    Args:
        names: transforms of texts: ours, or ``mine.py:name``, a function from text to text.
        texts: n texts.

    Raises:
        DataError: a name is unknown, or transforms rows.
        ObjectiveError: a function of the user's own cannot be loaded, fails, or returns what is no text.
    """
    faults = check_names(names)
    if faults:
        raise DataError.of(faults)
    changed = list(texts)
    for name in names:
        if name in ROW_TRANSFORMS:
            raise DataError(f"`{name}` transforms rows, not texts", where="preprocessing", hint="give it the rows")
        transform = _own(name) if is_own(name) else _OURS[name]
        changed = [transform(text) for text in changed]
    return changed


def of_texts(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the named transforms that change texts (and so apply to whatever is predicted), in their order."""
    return tuple(name for name in names if name not in ROW_TRANSFORMS and name != ORIGINAL)


def deduplicate(rows: Rows) -> NDArray[np.int64]:
    """Positions of the rows that stay, shape (m,), in their order: the first of each set of copies.

    Copies are equal but for case, punctuation, spaces and Unicode form (NFKC), in what is asked and in what is
    answered. Copies with another label (or answer) contradict each other; which of them is right nobody has said, so
    all of them stay.
    """
    frame = rows.frame
    answers = next((frame[name].astype(str).tolist() for name in ("label", "reference") if name in frame), None)
    key = first_copies(asked(rows))
    if answers is not None:
        key = np.unique(np.stack([key, first_copies(answers)]), axis=1, return_inverse=True)[1].ravel()
    return np.sort(np.unique(key, return_index=True)[1]).astype(np.int64)


def _own(name: str) -> Transform:
    file, _, function = name.rpartition(":")
    path = Path(os.path.abspath(os.path.expanduser(file)))
    called = _loaded(path, function, path.stat().st_mtime_ns if path.is_file() else 0)

    def transform(text: str) -> str:
        try:
            changed = called(text)
        except Exception as error:
            raise failed(error, path, f"the transform `{function}` failed on {_short(text)}") from error
        if not isinstance(changed, str):
            what = f"the transform `{function}` returned {type(changed).__name__} for {_short(text)}, not text"
            raise ObjectiveError(what, where=f"{path}:{_line(called)}", hint="return the changed text")
        return changed

    return transform


@functools.lru_cache(maxsize=32)
def _loaded(path: Path, function: str, version: int) -> Callable[..., Any]:
    """A function of the user's own; the file is run once for each ``version`` of it."""
    return load_function(path, function, "the transforms file", "a function from text to text")


def _line(function: Callable[..., Any]) -> int:
    return getattr(getattr(function, "__code__", None), "co_firstlineno", 1)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


class _Punctuation(dict[int, int]):
    """Punctuation and symbols (Unicode categories P and S) to a space, whatever else to itself; filled as asked."""

    def __missing__(self, code: int) -> int:
        self[code] = 32 if unicodedata.category(chr(code))[0] in "PS" else code
        return self[code]


_MARKS = _Punctuation({ord("_"): 32})


def _remove_punctuation(text: str) -> str:
    return _IN_WORD.sub("", text).translate(_MARKS)


def _normalize_whitespace(text: str) -> str:
    return _SPACE.sub(lambda run: "\n" if "\n" in run[0] else " ", text).strip()


def _fix_encoding(text: str) -> str:
    """By ftfy (Speer 2019), without its changes that are a matter of taste: quotes, ligatures, widths, forms."""
    import ftfy

    return ftfy.fix_text(text, _as_it_was())


@functools.cache
def _as_it_was() -> Any:
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        normalization=None,
        explain=False,
    )


_OURS: dict[str, Transform] = {
    "lowercase": str.lower,
    "remove_punctuation": _remove_punctuation,
    "normalize_whitespace": _normalize_whitespace,
    "strip_html": strip_html,
    "fix_encoding": _fix_encoding,
}
