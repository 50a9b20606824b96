"""Plain sentences for what a validation has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpo.records.wording import clean
from hpo.statistics.values import Settings
from hpo.validation.comparing import Pair

SCOPE = (
    "this is said of the models as they are trained, not of their configurations: several seeds of each (`seeds: 5` of"
    " a run, a column `seed` in predictions) would tell of those"
)


def sentences(found: Sequence[Pair], settings: Settings) -> list[str]:
    """One sentence for each comparison by a primary metric, and what they are about where a model has one seed."""
    primary = [pair for pair in found if pair.role == "primary"]
    alone = any(pair.found.verdict != "refused" and pair.found.seeds == 1 for pair in primary)
    return [sentence(pair, settings) for pair in primary] + [SCOPE] * alone


def sentence(pair: Pair, settings: Settings) -> str:
    """The verdict on two models in words.

    The difference is the first model's score minus the second's, in the metric's own units.
    """
    a, b, where, metric = clean(pair.a), clean(pair.b), clean(pair.dataset), clean(pair.metric)
    one = pair.found
    if one.verdict == "refused":
        return f"{a} and {b} on {where}: not compared by {metric}: {one.reason}"
    measured = f"{metric} {signed(one.difference)} [{signed(one.low)}, {signed(one.high)}], {p_words(pair, settings)}"
    if one.verdict == "better":
        return f"{a} is {'better' if pair.winner == pair.a else 'worse'} than {b} on {where}: {measured}"
    if one.verdict == "equivalent":
        margin = f"within {number(settings.equivalence_margin or 0.0)}"
        return f"{a} and {b} are equivalent on {where} ({margin}): {measured}; take the cheaper"
    reason = f"; {one.reason}" if one.reason else ""
    return f"{a} against {b} on {where} is undecided: {measured}{reason}"


def p_words(pair: Pair, settings: Settings) -> str:
    """A p-value as people write it, and its correction."""
    value = pair.found.p_value if pair.found.p_adjusted is None else pair.found.p_adjusted
    named = " (Holm)" if pair.found.p_adjusted is not None and settings.correction == "holm" else ""
    if value is None:
        return "no p"
    return ("p < .001" if value < 0.001 else f"p = {number(value)}") + named


def number(value: float) -> str:
    """Three digits after the point, fewer where they are zeros, without the zero before it.

    >>> number(0.21), number(0.0451), number(12.5), number(-0.5)
    ('.21', '.045', '12.5', '-.5')
    """
    if abs(value) >= 100:
        return f"{value:.4g}"
    text = f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) >= 0.0005 or value == 0 else f"{value:.2g}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def signed(value: float) -> str:
    """A difference with its sign and three digits, so that a value and its interval line up.

    >>> signed(0.2), signed(-0.03), signed(12.5), signed(0.00012)
    ('+.200', '-.030', '+12.5', '+.00012')
    """
    text = f"{value:+.3f}" if 0.0005 <= abs(value) < 10 or value == 0 else f"{value:+.3g}"
    return text.replace("0.", ".", 1) if text[1:].startswith("0.") else text


def rank_sentence(found: dict[str, Any] | None) -> list[str]:
    """What the ranks over data sets say, where there are any."""
    return [found["sentence"]] if found and found.get("sentence") else []
