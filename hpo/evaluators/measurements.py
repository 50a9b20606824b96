"""What a run costs: quantities measured beside the metrics, usable as objectives and constraints too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpo.config.models import Direction, TaskKind


@dataclass(frozen=True)
class Measurement:
    """A quantity, its unit, the direction that is better, and whether a seed reproduces it."""

    unit: str
    doc: str
    direction: Direction = "minimize"
    reproducible: bool = False


DESCRIPTIONS: Mapping[str, Measurement] = {
    "train_seconds": Measurement("seconds", "Wall time of training, without evaluation and saving."),
    "device_seconds": Measurement(
        "seconds", "Devices times wall time of the whole trial; a CPU worker counts as one device."
    ),
    "peak_memory_gb": Measurement("GiB", "Highest memory the trial held on its device (on a CPU: in its process)."),
    "trainable_parameters": Measurement("parameters", "Parameters that training changes.", reproducible=True),
    "train_tokens": Measurement(
        "tokens", "Tokens trained on, without padding, every epoch counted.", reproducible=True
    ),
    "train_rows": Measurement(
        "rows", "Rows trained on, as they were prepared: of a fraction, with copies.", reproducible=True
    ),
    "train_flops": Measurement(
        "floating-point operations", "Estimated operations of the training run.", reproducible=True
    ),
    "tokens_per_second": Measurement(
        "tokens per second", "Training tokens per second of training.", direction="maximize"
    ),
    "latency_ms": Measurement("milliseconds", "Median time of predicting one row, in batches as evaluation has them."),
    "latency_p50_ms": Measurement("milliseconds", "Time that half of the rows do not exceed; as latency_ms."),
    "latency_p95_ms": Measurement("milliseconds", "Time that 95 % of the rows do not exceed; as latency_ms."),
    "latency_p99_ms": Measurement("milliseconds", "Time that 99 % of the rows do not exceed; as latency_ms."),
    "cost_usd": Measurement("US dollars", "Device hours times the price of a device hour."),
    "examples": Measurement("examples", "Training examples seen, every epoch counted.", reproducible=True),
    "overfitting": Measurement(
        "the primary metric's own",
        "How much better the primary metric is on training rows than on validation rows; at most 512 rows of each.",
        reproducible=True,
    ),
    "forgetting": Measurement(
        "nats per token", "Loss on the text of data.forgetting, minus the untuned model's own.", reproducible=True
    ),
    "unscored": Measurement(
        "rows", "Rows that an evaluator could not score: no number, no likelihood.", reproducible=True
    ),
    "unmatched": Measurement("rows", "Rows answered with none of the classes; they count as wrong.", reproducible=True),
}

MEASUREMENTS: Mapping[str, Direction] = {name: each.direction for name, each in DESCRIPTIONS.items()}
REPRODUCIBLE: frozenset[str] = frozenset(name for name, each in DESCRIPTIONS.items() if each.reproducible)
TRAIN = "train_"  # train_accuracy: the primary metric on a sample of the training rows


def is_measurement(name: str, task: TaskKind) -> bool:
    """Whether a name of an objective or a constraint is measured beside the metrics, not computed from outputs.

    >>> is_measurement("latency_ms", "regression"), is_measurement("train_mae", "regression")
    (True, True)
    >>> is_measurement("train_mae", "custom")  # an objective of one's own measures what it likes
    False
    """
    return name in MEASUREMENTS or (task != "custom" and name.startswith(TRAIN))
