"""Validation from its file to everything that was found: answers, scores, comparisons, costs, pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hpo.errors import ConfigurationError, Fault, HpoError
from hpo.records.environment import environment
from hpo.statistics.values import Settings
from hpo.validation.answers import Asking, Say, answers
from hpo.validation.browser import errors
from hpo.validation.comparing import Pair, corrected, pairs, refuse_chosen
from hpo.validation.cost import cost_row, front
from hpo.validation.data import DataSet, open_data
from hpo.validation.harness_sets import answered, check_task, put_task, task_scores
from hpo.validation.load import load
from hpo.validation.members import Context, Found
from hpo.validation.models import ModelEntry, ValidationConfig
from hpo.validation.pictures import pictures
from hpo.validation.ranking import ranks
from hpo.validation.rated import ratings
from hpo.validation.scoring import Scored, estimates, metrics_of, primary_of, score, wanted_outputs
from hpo.validation.sheet import instructions, write_sheet
from hpo.validation.sources import find
from hpo.validation.stored import Store
from hpo.validation.wording import rank_sentence, sentences


@dataclass
class Gathered:
    """What is known so far, in the order of the file."""

    data: dict[str, DataSet] = field(default_factory=dict)
    found: dict[tuple[str, str], Found] = field(default_factory=dict)  # by model and data set
    scored: dict[str, list[Scored]] = field(default_factory=dict)  # by data set
    costs: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def validate(config: ValidationConfig | str | Path, *, say: Say = lambda text: None) -> dict[str, Any]:
    """Score every model on every data set and compare all of them with the baseline.

    Args:
        config: a validation file, or what ``load`` made of it.
        say: is told what goes on.

    Returns:
        Everything that was found, as ``hpo validate --json`` prints it. Answers are kept in ``out/predictions``, so
        that the same call goes on where a stopped one was.

    Raises:
        ConfigurationError, DataError, ModelError, ObjectiveError: what cannot be used, before anything is asked.
    """
    config = config if isinstance(config, ValidationConfig) else load(config)
    out = Path(str(config.out))
    settings = settings_of(config)
    context = Context(config, out / "models", _threads())
    gathered = Gathered()
    _open_everything(config, context, gathered)
    asking = Asking(context, Store(out / "predictions"), say)
    for data in list(gathered.data.values()):
        take = _ask_everyone if data.entry.lm_eval is None else _run_task
        take(data, config, gathered, asking)
    sheet = _sheet(config, gathered, out, say)
    rated = None
    if config.ratings:
        names = [entry.name for entry in config.models]
        rated = ratings(config.ratings, out, names, config.baseline, settings)
    return {**_report(config, settings, gathered), "ratings": rated, "rating_sheet": sheet}


def _sheet(config: ValidationConfig, gathered: Gathered, out: Path, say: Say) -> dict[str, str] | None:
    """Write the rating sheet, where one is wanted."""
    if config.rating_sheet is None:
        return None
    sheet, key = write_sheet(gathered.scored, config.rating_sheet, config.statistics.seed, out)
    say(f"{sheet}: {instructions()}; do not hand out {key.name}")
    return {"sheet": str(sheet), "key": str(key)}


def settings_of(config: ValidationConfig) -> Settings:
    """The statistics block for the statistics."""
    return Settings(**config.statistics.model_dump())


def _threads() -> int:
    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdigit() and int(named) else os.cpu_count() or 1


def _open_everything(config: ValidationConfig, context: Context, gathered: Gathered) -> None:
    """Read all rows and look at all sources, so that whatever is wrong is told at once and before the first answer."""
    faults: list[Fault] = []
    for asked in config.datasets:
        try:
            gathered.data[asked.name] = open_data(asked, config)
        except HpoError as error:
            faults += [Fault(f.where or f"data set {asked.name}", f.what, f.hint) for f in error.faults]
    for entry in config.models:
        for data in gathered.data.values():
            wanted = wanted_outputs(data, metrics_of(data, config.metrics))
            try:
                found = find(entry, data, replace(context, outputs=wanted))
                if found is not None and data.entry.lm_eval is not None:
                    check_task(entry, data, found)
            except HpoError as error:
                faults += error.faults
                continue
            if found is not None:
                gathered.found[entry.name, data.name] = found
    for name in gathered.data:
        if not faults and (config.baseline, name) not in gathered.found:
            what = f"the baseline {config.baseline} does not answer on {name}"
            faults.append(Fault("baseline", what, "name a source for it, or another baseline"))
    if faults:
        raise ConfigurationError.of(dict.fromkeys(faults))
    for data in gathered.data.values():
        gathered.warnings += data.warnings
    gathered.warnings += dict.fromkeys(text for found in gathered.found.values() for text in found.warnings)


def _ask_everyone(data: DataSet, config: ValidationConfig, gathered: Gathered, asking: Asking) -> None:
    metrics = metrics_of(data, config.metrics)
    wanted = wanted_outputs(data, metrics)
    for entry in config.models:
        found = gathered.found.get((entry.name, data.name))
        if found is None:
            continue
        said = answers(entry, data, found, wanted, asking)
        gathered.scored.setdefault(data.name, []).append(score(entry.name, data, said.runs, metrics))
        row = cost_row(entry.name, data.name, said.costs, config.price_per_device_hour)
        gathered.costs.append({**row, "rows": len(data.rows)})
        for cost in said.costs:
            if cost.get("parameters"):
                gathered.parameters[entry.name] = cost["parameters"]


def _run_task(data: DataSet, config: ValidationConfig, gathered: Gathered, asking: Asking) -> None:
    """Put a task of lm-evaluation-harness to every model."""
    for entry in config.models:
        found = gathered.found.get((entry.name, data.name))
        if found is None:
            continue
        said, done = put_task(entry, data, found, asking.context, Path(str(config.out)) / "predictions")
        for text in done:
            asking.say(text)
        if gathered.data[data.name].metrics is None:
            gathered.data[data.name] = answered(data, said)
        known = gathered.data[data.name]
        gathered.scored.setdefault(data.name, []).append(task_scores(entry.name, known, said))
        row = cost_row(entry.name, data.name, said.costs, config.price_per_device_hour)
        gathered.costs.append({**row, "rows": len(known.rows)})


def _report(config: ValidationConfig, settings: Settings, gathered: Gathered) -> dict[str, Any]:
    scores = [
        row
        for name, scored in gathered.scored.items()
        for one in scored
        for row in estimates(one, metrics_of(gathered.data[name], config.metrics), settings)
        if row["n"] or row["metric"] in config.metrics or row["metric"] == primary_of(gathered.data[name])
    ]
    compared = _compared(config, settings, gathered)
    primary = {
        (row["model"], row["dataset"]): row
        for row in scores
        if row["subgroup"] is None and row["metric"] == primary_of(gathered.data[row["dataset"]])
    }
    ranked = ranks(primary, [entry.name for entry in config.models], list(gathered.data), settings)
    browsed, total = errors(gathered.scored, settings.seed)
    refused = [f"{p.a} and {p.b} on {p.dataset}: {p.found.reason}" for p in compared if p.found.verdict == "refused"]
    return {
        "name": config.name,
        "baseline": config.baseline,
        "settings": config.statistics.model_dump(),
        "models": [_model(entry, gathered) for entry in config.models],
        "datasets": [_data(data) for data in gathered.data.values()],
        "scores": scores,
        "comparisons": [pair.as_dict() for pair in compared],
        "ranks": ranked,
        **pictures([one for scored in gathered.scored.values() for one in scored]),
        "cost": gathered.costs,
        "front": front(gathered.costs, _quality(primary, list(gathered.data))),
        "errors": browsed,
        "errors_total": total,
        "refused": list(dict.fromkeys(refused)),
        "warnings": _warnings(compared, gathered),
        "verdict": [*sentences(compared, settings), *rank_sentence(ranked)],
        "environment": environment(config.statistics.seed),
    }


def _compared(config: ValidationConfig, settings: Settings, gathered: Gathered) -> list[Pair]:
    asked = []
    for name, scored in gathered.scored.items():
        metrics = metrics_of(gathered.data[name], config.metrics)
        baseline = next(one for one in scored if one.model == config.baseline)
        others = [one for one in scored if one.model != config.baseline]
        asked += pairs(baseline, others, metrics, settings, config.metrics)
    return corrected(refuse_chosen(asked, _chosen(gathered)), settings)


def _chosen(gathered: Gathered) -> dict[tuple[str, str], str]:
    """Why a model must not be compared on a data set: its study has trained or chosen it by these very rows."""
    reasons = {}
    for (model, name), found in gathered.found.items():
        data = gathered.data[name]
        part = data.entry.split
        if part in ("train", "validation") and data.study and found.chosen_on and found.chosen_on(data.study):
            how = "trained on" if part == "train" else "chosen by"
            reasons[model, name] = (
                f"{model} was {how} these rows, so its score flatters it; score `split: test` instead"
            )
    return reasons


def _quality(primary: Mapping[tuple[str, str], dict[str, Any]], names: Sequence[str]) -> dict[str, tuple[float, str]]:
    """Mean primary score of the models that answered on all data sets; of the first set alone where metrics differ."""
    kept = list(names)
    if len({row["metric"] for row in primary.values()}) > 1:
        kept = kept[:1]
    found = {}
    for model in dict.fromkeys(model for model, _ in primary):
        rows = [primary.get((model, name)) for name in kept]
        if all(row is not None and row["value"] is not None for row in rows):
            values = [row["value"] for row in rows if row is not None]
            found[model] = (float(np.mean(values)), str(primary[model, kept[0]]["direction"]))
    return found


def _model(entry: ModelEntry, gathered: Gathered) -> dict[str, Any]:
    found = next((each for (name, _), each in gathered.found.items() if name == entry.name), None)
    return {
        "name": entry.name,
        "kind": None if found is None else found.kind,
        "source": None if found is None else found.source,
        "parameters": gathered.parameters.get(entry.name),
        "seeds": max((len(one.seeds) for scored in gathered.scored.values() for one in scored
                      if one.model == entry.name), default=0),
    }  # fmt: skip


def _data(data: DataSet) -> dict[str, Any]:
    groups = data.rows.groups
    frame = data.rows.frame
    return {
        "name": data.name,
        "task": data.task,
        "rows": len(data.rows),
        "split": data.entry.split,
        "labels": list(data.labels) or None,
        "groups": None if groups is None else len(set(groups.tolist())),
        "fingerprint": data.fingerprint,
        "primary": primary_of(data),
        "text_column": next((name for name in ("text", "messages") if name in frame), None),
        "subgroups": list(data.columns),
    }


def _warnings(compared: Sequence[Pair], gathered: Gathered) -> list[str]:
    said = [f"{p.a} and {p.b} on {p.dataset}: {text}" for p in compared if p.role == "primary"
            for text in p.found.warnings]  # fmt: skip
    return list(dict.fromkeys([*gathered.warnings, *said]))
