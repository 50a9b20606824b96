"""Our side of `lora_vs_trainer`: the twelve configurations as one study; started by it in a process of its own.

    python -m benchmarks.lora_ours ROWS_FOLDER THREADS

Prints one JSON object: seconds and accuracy of every configuration, and what opening and closing the study cost.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import common, lora_rows

STUDY = """
study: twelve
objective: lora
task: classification
model: {model}
data: {{train: {folder}/train.jsonl, validation: {folder}/validation.jsonl}}
training: {{num_train_epochs: 1, max_length: {max_length}, evaluations: 1, per_device_eval_batch_size: {evaluation}}}
search_space:
  learning_rate: {{type: categorical, choices: {rates}, default: {first[learning_rate]}}}
  batch_size: {{type: categorical, choices: {batches}, default: {first[batch_size]}}}
  lora_rank: {{type: categorical, choices: {ranks}, default: {first[lora_rank]}}}
  lora_alpha: {{type: ratio, of: lora_rank, choices: [{ratio}], default: {ratio}}}
known: {known}
objectives: [{{metric: accuracy, direction: maximize}}]
sampler: {{name: random, seed: 1}}
pruner: {{name: none}}
baselines: {{base: false}}
budget: {{trials: {trials}}}
runner: {runner}
runs: {folder}/runs
loggers: {{tensorboard: false}}
"""


def write_study(folder: Path, runner: str, *, count: int = len(lora_rows.CONFIGURATIONS)) -> Path:
    """The study file: the first configuration is the default, the others are known."""
    twelve = lora_rows.CONFIGURATIONS
    text = STUDY.format(
        model=lora_rows.model_folder(),
        folder=folder,
        max_length=lora_rows.MAX_LENGTH,
        evaluation=lora_rows.EVALUATION_BATCH,
        first=twelve[0],
        rates=sorted({one["learning_rate"] for one in twelve}),
        batches=sorted({one["batch_size"] for one in twelve}),
        ranks=sorted({one["lora_rank"] for one in twelve}),
        ratio=lora_rows.ALPHA_PER_RANK,
        known=json.dumps(twelve[1:count]),
        trials=count,
        runner=runner,
    )
    file = folder / "twelve.yaml"
    file.write_text(text, encoding="utf8")
    return file


def splits(folder: Path) -> Any:
    """The rows as a study holds them."""
    import pandas as pd

    from hpo.data.rows import Rows, Splits

    read = {name: lora_rows.read_rows(folder, name) for name in ("train", "validation")}
    parts = {name: Rows(pd.DataFrame(rows), "text_label") for name, rows in read.items()}
    return Splits(parts["train"], parts["validation"], None, lora_rows.labels(read["train"]), "benchmark")


def run(folder: Path, threads: int) -> dict[str, Any]:
    """Run the study, and time each trial from its ask to its tell."""
    from hpo.config import load
    from hpo.search.study import Study

    config, rows = load(write_study(folder, f"{{cpus_per_trial: {threads}}}")), splits(folder)
    began, worked = time.perf_counter(), time.process_time()
    asked: dict[int, float] = {}
    trials = []
    with Study(config, rows) as study:
        for event in study.events():
            if event["event"] == "ask":
                asked[event["number"]] = time.perf_counter()
            elif event["event"] == "tell":
                seconds = time.perf_counter() - asked[event["number"]]
                trials.append(checked(study.state.records[event["number"]], seconds))
    total = time.perf_counter() - began
    besides = total - sum(trial["seconds"] for trial in trials)
    return {"total": total, "processor": time.process_time() - worked, "besides": besides, "trials": trials}


def checked(record: Any, seconds: float) -> dict[str, Any]:
    """One trial's numbers, if it was the configuration that was asked for."""
    wanted = lora_rows.CONFIGURATIONS[record.number]
    if record.state != "complete" or any(record.settings[name] != value for name, value in wanted.items()):
        raise SystemExit(f"trial {record.number} is {record.state}: {record.message}, {dict(record.settings)}")
    return {
        "seconds": seconds,
        "accuracy": record.metrics["accuracy"],
        "parameters": record.measurements["trainable_parameters"],
    }


def main() -> int:
    """Run and print."""
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    common.use_threads(threads)
    # The peer imports these before its clock starts, too.
    import peft  # noqa: F401
    import torch  # noqa: F401
    import transformers  # noqa: F401

    print(json.dumps(run(folder, threads)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
