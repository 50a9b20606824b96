"""The peer's side of `lora_vs_trainer`: an Optuna loop around the Trainer; started by it in a process of its own.

    python -m benchmarks.lora_trainer ROWS_FOLDER THREADS [grouped]

As a practitioner writes it: `from_pretrained` and `get_peft_model` in every trial, rows tokenised once, dynamic
padding, one evaluation at the end, nothing saved, nothing logged; `grouped` batches rows of similar length, too.
Prints one JSON object: seconds and accuracy of every configuration, and what the rest cost.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks import common, lora_rows


def run(folder: Path, threads: int, *, grouped: bool) -> dict[str, Any]:
    """Run the loop, and time each trial from its ask to its tell."""
    import optuna
    import torch
    from transformers import AutoTokenizer

    began, worked = time.perf_counter(), time.process_time()
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(lora_rows.model_folder())
    train, validation = (lora_rows.read_rows(folder, name) for name in ("train", "validation"))
    names = lora_rows.labels(train)
    parts = [tokenised(tokenizer, rows, names) for rows in (train, validation)]
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1))
    for configuration in lora_rows.CONFIGURATIONS:
        study.enqueue_trial(configuration)
    trials: list[dict[str, Any]] = []

    def objective(trial: optuna.Trial) -> float:
        params = {
            name: trial.suggest_categorical(name, sorted({one[name] for one in lora_rows.CONFIGURATIONS}))
            for name in lora_rows.CONFIGURATIONS[0]
        }
        started = time.perf_counter()
        found = train_one(params, parts, names, tokenizer, seed=trial.number, grouped=grouped)
        trials.append({"seconds": time.perf_counter() - started, **found})
        return float(found["accuracy"])

    study.optimize(objective, n_trials=len(lora_rows.CONFIGURATIONS))
    total = time.perf_counter() - began
    besides = total - sum(trial["seconds"] for trial in trials)
    return {"total": total, "processor": time.process_time() - worked, "besides": besides, "trials": trials}


def tokenised(tokenizer: Any, rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """One mapping a row; a plain list is the fastest data set there is for so few rows."""
    encoded = tokenizer([row["text"] for row in rows], truncation=True, max_length=lora_rows.MAX_LENGTH)
    return [
        {"input_ids": ids, "attention_mask": mask, "labels": names.index(row["label"])}
        for ids, mask, row in zip(encoded["input_ids"], encoded["attention_mask"], rows, strict=True)
    ]


def train_one(
    params: dict[str, Any], parts: list[Any], names: tuple[str, ...], tokenizer: Any, *, seed: int, grouped: bool
) -> dict[str, Any]:
    """Train and evaluate one configuration."""
    from transformers import DataCollatorWithPadding, PrinterCallback, Trainer, set_seed

    set_seed(seed)
    model = _model(params, len(names))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=_arguments(params, folder, seed=seed, grouped=grouped),
            train_dataset=parts[0],
            eval_dataset=parts[1],
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=lambda found: {"accuracy": (found.predictions.argmax(-1) == found.label_ids).mean()},
        )
        trainer.remove_callback(PrinterCallback)  # numbers are printed once, by the side that compares
        trainer.train()
        accuracy = trainer.evaluate()["eval_accuracy"]
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return {"accuracy": float(accuracy), "parameters": trained}


def _model(params: dict[str, Any], classes: int) -> Any:
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForSequenceClassification

    base = AutoModelForSequenceClassification.from_pretrained(
        lora_rows.model_folder(),
        num_labels=classes,
        hidden_dropout_prob=0.0,  # the base model's own dropout is 0 in our LoRA trials
        attention_probs_dropout_prob=0.0,
    )
    return get_peft_model(
        base,
        LoraConfig(
            task_type=TaskType.SEQ_CLS,
            r=params["lora_rank"],
            lora_alpha=lora_rows.ALPHA_PER_RANK * params["lora_rank"],
            lora_dropout=0.0,
            target_modules="all-linear",
        ),
    )


def _arguments(params: dict[str, Any], folder: str, *, seed: int, grouped: bool) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=1,
        learning_rate=params["learning_rate"],
        per_device_train_batch_size=params["batch_size"],
        per_device_eval_batch_size=lora_rows.EVALUATION_BATCH,
        lr_scheduler_type="linear",
        weight_decay=0.0,
        max_grad_norm=1.0,
        train_sampling_strategy="group_by_length" if grouped else "random",
        eval_strategy="no",  # once, at the end
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        use_cpu=True,
        seed=seed,
    )


def main() -> int:
    """Run and print."""
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    common.use_threads(threads)
    import optuna
    import peft  # noqa: F401
    import transformers
    from transformers import Trainer  # noqa: F401

    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with contextlib.redirect_stdout(sys.stderr):  # the Trainer prints its numbers
        found = run(folder, threads, grouped="grouped" in sys.argv[3:])
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
