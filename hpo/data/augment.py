"""Augmentation: changed copies of training rows. Stated methods; whether they help is for a measurement to tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from hpo.config.preparation import AugmentConfig
from hpo.data.copies import copies, joined
from hpo.data.rows import Rows
from hpo.data.texts import change_texts

_WORD = re.compile(r"(\S+)(\s*)")
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # each row half a key to the right of the one above
Draw = np.random.Generator


def augment(rows: Rows, settings: AugmentConfig, seed: int) -> Rows:
    """The rows, and after them a changed copy of a share of them, in the same groups, named ``<id>#1``.

    Args:
        rows: n training rows.
        settings: the method, the share of rows that are copied, the rate of words (letters) that change.
        seed: decides which rows, words and letters.
    """
    draw = np.random.default_rng(seed)
    chosen = np.sort(draw.choice(len(rows), round(settings.share * len(rows)), replace=False)).astype(np.int64)
    change, usual = _METHODS[settings.method]
    rate = settings.rate or usual

    def changed(texts: Sequence[str]) -> list[str]:
        return [change(text, rate, draw) for text in texts]

    return joined(rows, change_texts(copies(rows, chosen), changed)) if len(chosen) else rows


def delete_words(text: str, rate: float, draw: Draw) -> str:
    """Each word left out with probability ``rate``, one stays (random deletion; Wei and Zou 2019, section 2)."""
    words = _WORD.findall(text)
    kept = draw.random(len(words)) >= rate
    if len(words) and not kept.any():
        kept[draw.integers(len(words))] = True
    return _joined(text, [word for word, stays in zip(words, kept, strict=True) if stays])


def swap_words(text: str, rate: float, draw: Draw) -> str:
    """Two words change places, ``rate`` x words times, at least once (random swap; Wei and Zou 2019, section 2)."""
    words = _WORD.findall(text)
    if len(words) < 2:
        return text
    order, count = list(range(len(words))), max(1, round(rate * len(words)))
    first, further = draw.integers(len(words), size=count), draw.integers(1, len(words), size=count)
    for a, b in zip(first.tolist(), ((first + further) % len(words)).tolist(), strict=True):  # two that differ
        order[a], order[b] = order[b], order[a]
    return _joined(text, [(words[at][0], gap) for at, (_, gap) in zip(order, words, strict=True)])


def typos(text: str, rate: float, draw: Draw) -> str:
    """Each letter mistyped with probability ``rate``: a key beside it, twice, not at all, or after the next one.

    Noise of keyboards as in Belinkov and Bisk (2018, section 3.2), without their shuffling of whole words.
    """
    letters = [index for index, letter in enumerate(text) if letter.isalpha()]
    wrong = np.array(letters, dtype=np.int64)[draw.random(len(letters)) < rate]
    slips, keys = draw.integers(len(_SLIPS), size=len(wrong)), draw.random(len(wrong))
    written = list(text)
    for at, slip, key in zip(wrong.tolist(), slips.tolist(), keys.tolist(), strict=True):
        _SLIPS[slip](written, at, key)
    return "".join(written)


def _beside(written: list[str], at: int, key: float) -> None:
    letter = written[at]
    near = _NEIGHBOURS.get(letter.lower(), "")
    if near:
        other = near[int(key * len(near))]
        written[at] = other.upper() if letter.isupper() else other


def _twice(written: list[str], at: int, key: float) -> None:
    written[at] *= 2


def _missing(written: list[str], at: int, key: float) -> None:
    written[at] = ""


def _after(written: list[str], at: int, key: float) -> None:
    if at + 1 < len(written) and written[at + 1].isalpha():
        written[at], written[at + 1] = written[at + 1], written[at]


_SLIPS: tuple[Callable[[list[str], int, float], None], ...] = (_beside, _twice, _missing, _after)


_METHODS = {"delete_words": (delete_words, 0.1), "swap_words": (swap_words, 0.1), "typos": (typos, 0.03)}  # usual rates


def _neighbours() -> dict[str, str]:
    places = {key: (line, column + line / 2) for line, keys in enumerate(_KEYBOARD) for column, key in enumerate(keys)}
    return {
        key: "".join(
            other for other, (y, x) in places.items() if other != key and abs(y - at[0]) <= 1 and abs(x - at[1]) <= 1
        )
        for key, at in places.items()
    }


_NEIGHBOURS = _neighbours()


def _joined(text: str, words: Sequence[tuple[str, str]]) -> str:
    """Words with the gaps after them; the text begins and ends with the same spaces as before."""
    start, end = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return start + "".join(word + gap for word, gap in words).rstrip() + end if words else text
