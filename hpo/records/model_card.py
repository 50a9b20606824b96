"""The README.md beside a saved adapter or model: what it is, how it was chosen, what it may be used for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from hpo.config.models import StudyConfig
from hpo.data.preparation import chosen
from hpo.records.champion import value_of
from hpo.records.provenance import Provenance
from hpo.records.record import Event, Record
from hpo.records.summary import reference_record
from hpo.records.wording import markdown, metric, plural, searched, setting

_UNKNOWN = Provenance()
_HUB_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")
_PIPELINES = {"classification": "text-classification", "regression": "text-classification"}
_LIBRARIES = {
    "lora": "peft",
    "full_finetune": "transformers",
    "sklearn_classifier": "sklearn",
    "sklearn_regressor": "sklearn",
}


def model_card(
    config: StudyConfig,
    record: Record,
    references: Mapping[str, Event],
    origin: Provenance = _UNKNOWN,
) -> str:
    """Markdown with YAML front matter, as the Hugging Face hub reads it.

    Args:
        config: the study.
        record: the trial the model is from.
        references: the events of base and classical baseline, by name.
        origin: the classes, the data's fingerprint, and how many trials it was chosen from.

    No path of the machine it was trained on and no secret is in it; text from outside is escaped.
    """
    parts = [
        _front_matter(config, record),
        f"# {markdown(config.study)}, trial {record.number}\n",
        _opening(config),
        f"## Scores on the validation rows\n\n{_scores(config, record, references)}",
        f"## Settings\n\n{_settings(config, record)}",
        f"## Data\n\n{_data(origin.labels, origin.fingerprint, _transforms(config, record))}",
        f"## How it was chosen\n\n{_choice(config, origin.considered)}",
        f"## Limits\n\n{_limits(origin.considered)}",
        f"## Loading it\n\n{_loading(config, origin.labels)}",
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def library(config: StudyConfig) -> str | None:
    """The library that loads the artifact, None for an objective of the user's own."""
    return _LIBRARIES.get(config.objective or ("lora" if config.model else ""))


def _front_matter(config: StudyConfig, record: Record) -> str:
    kept: dict[str, Any] = {}
    if _on_hub(config) and config.model is not None:
        kept["base_model"] = config.model.name
    if name := library(config):
        kept["library_name"] = name
    if config.task in _PIPELINES:
        kept["pipeline_tag"] = _PIPELINES[config.task]
    method = str(record.settings.get("method", config.training.method)) if library(config) == "peft" else None
    kept["tags"] = ["hpo", *([method] if method else []), config.task]
    kept["metrics"] = [objective.metric for objective in config.objectives]
    values = {o.metric: value_of(record, o.metric) for o in config.objectives}
    kept["model-index"] = [
        {
            "name": config.study,
            "results": [
                {
                    "task": {"type": _PIPELINES.get(config.task, "text-generation")},
                    "dataset": {"name": "validation rows of the study", "type": "custom"},
                    "metrics": [{"type": name, "value": v} for name, v in values.items() if v is not None],
                }
            ],
        }
    ]
    return f"---\n{yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)}---\n"


def _opening(config: StudyConfig) -> str:
    base = f" of {markdown(_base_name(config))}" if config.model else ""
    kind = {"peft": f"An adapter (PEFT format){base}", "transformers": f"Fine-tuned weights{base}"}
    what = kind.get(library(config) or "", "A model")
    return f"{what} for the task {markdown(config.task)}, found by a search over its settings.\n"


def _scores(config: StudyConfig, record: Record, references: Mapping[str, Event]) -> str:
    names = list(dict.fromkeys([*(o.metric for o in config.objectives), *sorted(record.metrics)]))
    columns: list[tuple[str, Record]] = [("this model", record)]
    titles = {"base": "untuned base", "classical": "classical baseline"}
    columns += [(title, reference_record(references[name])) for name, title in titles.items() if name in references]
    lines = [f"| metric | {' | '.join(title for title, _ in columns)} |", f"|---|{'---:|' * len(columns)}"]
    for name in names:
        cells = " | ".join(metric(value_of(each, name)) for _, each in columns)
        lines.append(f"| {markdown(name)} | {cells} |")
    return "\n".join(lines)


def _settings(config: StudyConfig, record: Record) -> str:
    fixed = config.training.model_dump() if config.model else {}
    values = {**record.settings, **{name: value for name, value in fixed.items() if name not in record.settings}}
    lines = ["| setting | value | |", "|---|---|---|"]
    chosen = searched(config, record.settings)
    for name, value in values.items():
        way = "searched" if name in chosen else ""
        shown = (
            ", ".join(f"{k}={setting(v)}" for k, v in value.items()) if isinstance(value, Mapping) else setting(value)
        )
        lines.append(f"| {markdown(name)} | {markdown(shown)} | {way} |")
    return "\n".join(lines)


def _transforms(config: StudyConfig, record: Record) -> list[str]:
    """The transforms of texts that the model was trained with; files by their names alone."""
    if config.data is None or library(config) is None:
        return []
    return [name.rpartition("/")[2] for name in chosen(config.data.preparation, record.settings).texts]


def _data(labels: Sequence[str], fingerprint: str, transforms: Sequence[str]) -> str:
    lines = [f"Fingerprint of the rows, their split and their template: `{fingerprint}`." if fingerprint else ""]
    if labels:
        shown = ", ".join(markdown(label, 60) for label in labels[:100])
        lines.append(f"Classes, in the order of the model's outputs: {shown}{', …' if len(labels) > 100 else ''}.")
    if transforms:
        names = ", ".join(markdown(name) for name in transforms)
        lines.append(f"Every text goes through these transforms before the model reads it, in this order: {names}.")
    lines.append("Trained on the training split alone; chosen on the validation split; the test split was not used.")
    return "\n\n".join(line for line in lines if line)


def _choice(config: StudyConfig, considered: int | None) -> str:
    way = "highest" if config.primary.direction == "maximize" else "lowest"
    many = plural(considered, "complete trial") if considered else "the complete trials"
    bounds = "; ".join(
        f"{markdown(c.metric)} {'≤' if c.max is not None else '≥'} {c.max if c.max is not None else c.min:g}"
        for c in config.constraints
    )
    kept = f" that keep {bounds}" if bounds else ""
    return (
        f"The {way} {markdown(config.primary.metric)} on the validation rows among {many}{kept} "
        f"(sampler {config.sampler.name}, seed {config.sampler.seed})."
    )


def _limits(considered: int | None) -> str:
    many = f"the best of {considered}" if considered and considered > 1 else "the best of several"
    return (
        f"The scores above are {many} noisy scores on the rows that chose the model, so they are optimistic: "
        "expect less on new rows. Nothing here says that the difference to the base or to another configuration "
        "is significant. "
        "The model inherits the licence, the biases and the gaps of its base model and of the training rows."
    )


def _loading(config: StudyConfig, labels: Sequence[str]) -> str:
    kind = library(config)
    if kind == "peft":
        return _code(_peft_code(config, labels)) + _local_note(config)
    if kind == "transformers":
        auto = "AutoModelForSequenceClassification" if config.task in _PIPELINES else "AutoModelForCausalLM"
        lines = [f"from transformers import {auto}, AutoTokenizer", "", f'model = {auto}.from_pretrained(".")']
        return _code([*lines, 'tokenizer = AutoTokenizer.from_pretrained(".")'])
    return "Through the objective that wrote it: `Objective.predict(artifact, rows)` of this study's file."


def _peft_code(config: StudyConfig, labels: Sequence[str]) -> list[str]:
    base = repr(_base_name(config))
    head = config.task in _PIPELINES
    auto = "AutoModelForSequenceClassification" if head else "AutoModelForCausalLM"
    outputs = 1 if config.task == "regression" else (len(labels) or "...")
    extra = f", num_labels={outputs}" if head else ""
    lines = ["from peft import PeftModel", f"from transformers import {auto}, AutoTokenizer", "", f"base = {base}"]
    lines += [f"model = {auto}.from_pretrained(base{extra})", 'model = PeftModel.from_pretrained(model, ".")']
    lines += ["tokenizer = AutoTokenizer.from_pretrained(base)"]
    if config.task == "classification":
        lines += [
            "",
            "# A causal base has no head: it answers by the likelihood of each label, with AutoModelForCausalLM.",
        ]
    return lines


def _local_note(config: StudyConfig) -> str:
    return "" if _on_hub(config) else "\nThe base was read from a folder: put its path in place of the name.\n"


def _code(lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return f"In the folder of this file:\n\n```python\n{body}\n```\n"


def _on_hub(config: StudyConfig) -> bool:
    return config.model is not None and _HUB_NAME.match(config.model.name) is not None


def _base_name(config: StudyConfig) -> str:
    """The hub name, or a folder's last two parts: paths of the machine stay on it."""
    if config.model is None:
        return ""
    parts = re.split(r"[/\\]", config.model.name.rstrip("/\\"))
    return config.model.name if _on_hub(config) else "/".join(parts[-2:])
