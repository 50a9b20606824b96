"""Every model against the baseline on every data set: the test by the shape of the data, corrected over all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from hpo.evaluators import registry
from hpo.evaluators.inference import compare, compare_seeds
from hpo.evaluators.outputs import FIELDS
from hpo.evaluators.protocol import Evaluator, ExampleScores, Metric
from hpo.statistics.multiplicity import adjust, benjamini_hochberg
from hpo.statistics.values import Comparison, Settings
from hpo.statistics.verdicts import decide
from hpo.validation.scoring import SMALL, Scored, part, primary_of, subgroups

Role = Literal["primary", "exploratory", "subgroup"]
Metrics = Mapping[str, tuple[Evaluator, Metric]]


@dataclass(frozen=True)
class Pair:
    """One question: is ``a`` different from ``b`` on a data set by a metric?"""

    a: str
    b: str
    dataset: str
    metric: str
    role: Role
    found: Comparison
    subgroup: str | None = None
    direction: str = "maximize"

    @property
    def winner(self) -> str | None:
        """Which of the two is better; None where the verdict is another one."""
        if self.found.verdict != "better":
            return None
        ahead = (self.found.difference > 0) == (self.direction == "maximize")
        return self.a if ahead else self.b

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        named = {"a": self.a, "b": self.b, "dataset": self.dataset, "metric": self.metric, "subgroup": self.subgroup}
        own = {"role": self.role, "winner": self.winner, "direction": self.direction}
        return {**named, **self.found.as_dict(), **own}


def pairs(
    baseline: Scored, others: Iterable[Scored], metrics: Metrics, settings: Settings, wanted: Sequence[str] = ()
) -> list[Pair]:
    """All comparisons of the others with the baseline on one data set, not corrected yet.

    The primary metric is the confirmatory one. The task's usual metrics (or those that are wanted) are exploratory,
    and so are subgroups: no equivalence is claimed there, since the margin is in the primary metric's units.
    """
    data = baseline.data
    primary = primary_of(data)
    usual = wanted or (registry.STANDARD[data.task] if data.metrics is None else list(metrics))
    second = [name for name in usual if name in metrics and name != primary]
    free = replace(settings, equivalence_margin=None)
    found = []
    for other in others:
        named = (other.model, baseline.model, data.name)
        both = [name for name in second if other.of(metrics[name][0]) and baseline.of(metrics[name][0])]
        for name in (primary, *both):
            role: Role = "primary" if name == primary else "exploratory"
            one = question(other, baseline, metrics[name], settings if name == primary else free)
            found.append(Pair(*named, name, role, one, direction=metrics[name][1].direction))
        for label, kept in subgroups(data):
            one = question(other, baseline, metrics[primary], free, kept)
            direction = metrics[primary][1].direction
            found.append(Pair(*named, primary, "subgroup", one, label, direction))
    return found


def question(a: Scored, b: Scored, asked: tuple[Evaluator, Metric], settings: Settings, kept: Any = None) -> Comparison:
    """One comparison by the shape of what there is: seeds on both sides, or one model each."""
    evaluator, metric = asked
    sides = [each.of(evaluator) for each in (a, b)]
    for side, scored in zip(sides, (a, b), strict=True):
        if side is None:
            need = ", ".join(name for each in sorted(evaluator.needs) for name in FIELDS.get(each, (each,)))
            return refusal(
                f"{scored.model} says nothing that {metric.name} is computed from ({need})", len(a.data.rows)
            )
    first, second = (_kept(side or (), kept) for side in sides)
    n = len(first[0].ids)
    if len(first) == 1 and len(second) == 1:
        found = compare(metric, first[0], second[0], settings)
        few = f"only {n} rows" if kept is not None and n < SMALL else ""
        return replace(found, warnings=(*found.warnings, few)) if few else found
    if len(first) > 1 and len(second) > 1:
        return compare_seeds(metric, first, second, settings)
    fixed = a if len(first) == 1 else b
    most = max(len(first), len(second))
    found = compare_seeds(metric, first * (most // len(first)), second * (most // len(second)), settings)
    said = f"{fixed.model} is one fixed model: nothing is said of what training it again would give"
    return replace(found, warnings=(*found.warnings, said))


def refusal(reason: str, n: int) -> Comparison:
    """A question that is not answered, and what would make it answerable."""
    return Comparison("none", n, math.nan, math.nan, math.nan, None, "refused", reason)


def _kept(scores: Sequence[ExampleScores], kept: Any) -> list[ExampleScores]:
    return list(scores) if kept is None else [part(each, np.asarray(kept, dtype=bool)) for each in scores]


def corrected(found: Sequence[Pair], settings: Settings) -> list[Pair]:
    """Holm across data sets and models for the primary metric; what explores is held to a false discovery rate.

    The exploratory metrics are one family, the subgroups another (Benjamini & Hochberg 1995).
    """
    changed: dict[int, Pair] = {}
    for role in ("primary", "exploratory", "subgroup"):
        places = [place for place, pair in enumerate(found) if pair.role == role]
        family = [found[place].found for place in places]
        adjusted = adjust(family, settings) if role == "primary" else _explored(family, settings)
        for place, one in zip(places, adjusted, strict=True):
            changed[place] = replace(found[place], found=one)
    return [changed[place] for place in range(len(found))]


def _explored(family: Sequence[Comparison], settings: Settings) -> list[Comparison]:
    free = replace(settings, equivalence_margin=None)
    if settings.correction == "none":
        return adjust(family, free)
    p = benjamini_hochberg([math.nan if each.p_value is None else each.p_value for each in family])
    return [
        decide(each, free, None if math.isnan(value) else value) for each, value in zip(family, p.tolist(), strict=True)
    ]


def refuse_chosen(found: Sequence[Pair], reasons: Mapping[tuple[str, str], str]) -> list[Pair]:
    """Refuse comparisons on rows that a model was trained or chosen on; ``reasons`` by model and data set."""
    kept = []
    for pair in found:
        why = reasons.get((pair.a, pair.dataset)) or reasons.get((pair.b, pair.dataset))
        kept.append(replace(pair, found=refusal(why, pair.found.n)) if why else pair)
    return kept
