"""The form of validation.yaml for editors (JSON Schema) and for people (docs/validation-reference.md)."""

from __future__ import annotations

from typing import Any

from hpo.config.reference import tables
from hpo.validation.models import ValidationConfig

_OPENING = """# validation.yaml

<!-- Written by `hpo schema --validation --reference`; do not edit by hand. -->

Every block and key that a validation file may have. Keys that are not listed are refused, and every fault is told at
once with its line. Relative paths start from the file's folder; run folders and adapters are looked for in the
working directory too. `${NAME}` in a value is taken from the environment. `hpo validate validation.yaml` reads it,
`--set key.key=value` changes single keys.

```yaml
name: tickets
task: classification
baseline: base
models:
  - {name: base, run: runs/support-tickets, base: true}       # the untuned model of a study
  - {name: default, run: runs/support-tickets, trial: 0}
  - {name: tuned, run: runs/support-tickets}                  # its best
  - {name: classical, classical: true}                        # TF-IDF with a linear model
  - {name: people, kind: people, predictions: people.csv, datasets: [new]}
datasets:
  - {name: own, run: runs/support-tickets, split: test}       # the study's own test rows
  - {name: new, data: {train: new.jsonl, columns: {text: body, label: queue}}, subgroups: [language]}
statistics: {equivalence_margin: 0.01}
```

A source (`model`, `adapter`, `run`, `predictions`) is one value for all data sets, or one a data set: `run: {own:
runs/a, new: runs/b}`. `data: FILE` scores all rows of a file; a block as in study.yaml is divided as a study divides
it, and `split` says which part is scored. A `predictions` file with a column `seed` holds several training runs.
Answers are kept in `out/predictions`: while model, data and settings stay the same, nobody is asked twice.
"""


def reference_markdown() -> str:
    """The whole reference as Markdown."""
    return "\n".join([_OPENING, *tables(ValidationConfig)])


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of validation.yaml, with the short forms of ``data`` and ``ratings``."""
    schema = ValidationConfig.model_json_schema()
    file = {"type": "string", "description": "a file"}
    schema["$defs"]["DatasetEntry"]["properties"]["data"]["anyOf"].insert(0, file)
    ratings = schema["properties"]["ratings"]
    schema["properties"]["ratings"] = {"anyOf": [file, ratings], "description": ratings["description"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "validation.yaml",
        "description": "Models on data sets, compared with a baseline.",
    }
