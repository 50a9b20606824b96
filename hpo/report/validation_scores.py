"""Scores of the validation page: differences to the baseline, every metric of every model, ranks, subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.report import figures_validation
from hpo.report.escaping import excerpt
from hpo.report.figures_validation import ahead
from hpo.report.page import Plot, Section, joined, plot, plots
from hpo.report.tables import Column, table, written

Found = Mapping[str, Any]
MOST_ROWS = 400  # scores of subgroups of one data set
CAPTION = (
    "Each model minus the baseline, with its interval; the line is no difference. Triangles up are better, triangles "
    "down worse; an open circle is not decided, or equivalent."
)


def is_primary(pair: Found, found: Found) -> bool:
    """Whether a comparison is one of those that the verdict is about: all rows, by the primary metric."""
    if "role" in pair:
        return bool(pair["role"] == "primary")
    return pair["subgroup"] is None and pair["metric"] == primary(found, pair["dataset"])


def primary(found: Found, dataset: str) -> str | None:
    """The metric that decides on a data set."""
    return next((each["primary"] for each in found["datasets"] if each["name"] == dataset), None)


def differences(found: Found) -> Section | None:
    """Every model against the baseline on every data set by the primary metric."""
    pairs = [pair for pair in found["comparisons"] if is_primary(pair, found)]
    if not pairs:
        return None
    several = len(found["datasets"]) > 1
    figures = []
    for metric in dict.fromkeys(pair["metric"] for pair in pairs):
        own = [pair for pair in pairs if pair["metric"] == metric]
        names = [f"{pair['a']} · {pair['dataset']}" if several else pair["a"] for pair in own]
        figures.append(plot(figures_validation.differences(own, names, f"difference in {metric}"), CAPTION))
    margin = found["settings"]["equivalence_margin"]
    lead = f"{found['settings']['correction'].capitalize()}-corrected over all of them."
    lead += f" Differences within {margin:g} do not matter here." if margin is not None else ""
    body = joined(*figures, _pairs(pairs, found))
    return Section("differences", f"Against {found['baseline']}", body, lead, "Differences")


def _pairs(pairs: Sequence[Found], found: Found) -> Any:
    sets = [Column("dataset", "data set")] if len(found["datasets"]) > 1 else []
    metrics = [Column("metric", "metric")] if len({pair["metric"] for pair in pairs}) > 1 else []
    corrected = any(pair["p_adjusted"] is not None for pair in pairs)
    columns = [
        Column("word", "", "verdict"),
        Column("a", "model"),
        *sets,
        *metrics,
        Column("difference", "difference", "signed", "ci_low", "ci_high"),
        Column("p_adjusted", "p (corrected)", "p") if corrected else Column("p_value", "p", "p"),
        Column("effect", "effect size"),
        Column("minimum_detectable_effect", "detectable", "number"),
        Column("n", "rows", "count"),
        Column("reason", "why", "long"),
    ]
    caption = "Detectable: the smallest difference that these rows would show four times out of five."
    return table(columns, [_pair(pair) for pair in pairs], caption)


def _pair(pair: Found) -> dict[str, Any]:
    winner = ahead(pair)
    word = pair["verdict"] if winner is None else "better" if winner == pair["a"] else "worse"
    effect = pair["effect_size"]
    said = f"{effect['name'].replace('_', ' ')} {written(effect['value'], 'signed')}" if effect else ""
    why = "; ".join(part for part in (pair["reason"], *pair["warnings"]) if part)
    return {**pair, "word": word, "effect": said, "reason": why}


def scores(found: Found) -> Section | None:
    """Every metric of every model, a table for each data set."""
    tables = []
    for data in found["datasets"]:
        own = [row for row in found["scores"] if row["dataset"] == data["name"] and row["subgroup"] is None]
        if own:
            caption = f"{data['name']}: {data['rows']:,} rows; the primary metric is set in bold."
            tables.append(_matrix(own, data["primary"], found, caption))
    if not tables:
        return None
    lead = f"With {100 * found['settings']['confidence']:g} % intervals."
    return Section("scores", "Scores", joined(*tables), lead)


def _matrix(rows: Sequence[Found], main: str | None, found: Found, caption: str) -> Any:
    """A row for each metric, a column for each model."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    keys = {model: f"m{place}" for place, model in enumerate(models)}
    by_metric: dict[str, dict[str, Any]] = {}
    for row in rows:
        arrow = "↑" if row["direction"] == "maximize" else "↓"
        line = by_metric.setdefault(row["metric"], {"metric": f"{row['metric']}\u00a0{arrow}"})
        key = keys[row["model"]]
        line.update({key: row["value"], f"{key}_low": row["ci_low"], f"{key}_high": row["ci_high"]})
        line["strong"] = row["metric"] == main
    columns = [Column("metric", "metric"), *_model_columns(keys, found)]
    ordered = sorted(by_metric.values(), key=lambda line: not line["strong"])
    return table(columns, ordered, caption)


def _by_subgroup(rows: Sequence[Found], found: Found, caption: str) -> Any:
    """A row for each subgroup, a column for each model."""
    lines: dict[str, dict[str, Any]] = {}
    models = list(dict.fromkeys(row["model"] for row in rows))
    keys = {model: f"m{place}" for place, model in enumerate(models)}
    for row in rows:
        line = lines.setdefault(row["subgroup"], {"subgroup": row["subgroup"], "n": row["n"], "reason": row["reason"]})
        key = keys[row["model"]]
        line.update({key: row["value"], f"{key}_low": row["ci_low"], f"{key}_high": row["ci_high"]})
    columns = [Column("subgroup", "subgroup"), Column("n", "rows", "count"), *_model_columns(keys, found)]
    return table([*columns, Column("reason", "note")], list(lines.values()), caption)


def _model_columns(keys: Mapping[str, str], found: Found) -> list[Column]:
    """A column of values with their intervals for each model; ``keys`` holds the key of each in a row."""
    tag = {found["baseline"]: " (baseline)"}
    return [
        Column(key, excerpt(model, 28) + tag.get(model, ""), "number", f"{key}_low", f"{key}_high")
        for model, key in keys.items()
    ]


def ranks(found: Found) -> Section | None:
    """Mean ranks over the data sets."""
    ranked = found["ranks"]
    if not ranked:
        return None
    picture = figures_validation.ranks(ranked["mean_ranks"], ranked["critical_difference"])
    caption = "Mean rank over the data sets."
    if ranked["critical_difference"] is not None:
        caption += " Models whose bars do not overlap differ (Nemenyi)."
    if ranked["friedman_p"] is not None:
        caption += f" Do any differ at all? p {written(ranked['friedman_p'], 'p')} (Friedman, Iman and Davenport)."
    return Section("ranks", "Ranks over the data sets", plot(picture, caption), ranked["sentence"] or "", "Ranks")


def subgroups(found: Found) -> Section | None:
    """Scores of parts of the rows, and the differences to the baseline in them."""
    rows = [row for row in found["scores"] if row["subgroup"] is not None]
    if not rows:
        return None
    pairs = [pair for pair in found["comparisons"] if pair["subgroup"] is not None]
    figures = []
    for dataset, model in dict.fromkeys((pair["dataset"], pair["a"]) for pair in pairs):
        own = [pair for pair in pairs if (pair["dataset"], pair["a"]) == (dataset, model)]
        names = [pair["subgroup"] for pair in own]
        made = figures_validation.differences(own, names, f"difference in {own[0]['metric']}")
        if made is not None:
            figures.append(Plot(made, f"{model} on {dataset}"))
    tables = []
    for data in found["datasets"]:
        own = [row for row in rows if row["dataset"] == data["name"]][:MOST_ROWS]
        if own:
            tables.append(_by_subgroup(own, found, f"{data['name']}: {own[0]['metric']} in parts of the rows."))
    lead = "Exploratory: corrected among themselves, and no ground to choose a model by alone."
    body = joined(plots(figures, CAPTION, name="Model"), *tables)
    return Section("subgroups", "Subgroups", body, lead)
