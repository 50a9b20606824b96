"""Models that this package has not trained: sequence classifiers as they come, adapters in PEFT's format."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.config.models import ModelConfig
from hpo.config.training import TrainingConfig
from hpo.errors import ModelError, first_line
from hpo.objective import Task
from hpo.training.check import check_model
from hpo.training.encode import Encoder
from hpo.training.hub import fetch_description
from hpo.training.question import Question
from hpo.training.ready import Ready
from hpo.training.settings import settings_of

if TYPE_CHECKING:
    from hpo.training.resident import Resident

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_CLASSIFIES = "ForSequenceClassification"
_HEADS = ("classifier.out_proj.weight", "classifier.dense.weight", "classifier.weight", "score.weight")


@dataclass(frozen=True)
class Description:
    """What the files of a model say it is, before its weights are loaded.

    Attributes:
        classifier: whether it has a classification head of its own.
        causal: whether it is a causal model.
        labels: names of the head's classes, in its order; ``LABEL_0`` ... where nobody has named them.
    """

    classifier: bool
    causal: bool
    labels: tuple[str, ...] = ()


def describe(model: ModelConfig) -> Description:
    """Read what a model is.

    Raises:
        ModelError: there is no such model, or it is none that can be asked.
    """
    info = check_model(model)
    config = _config(model, info.folder)
    classifier = any(_CLASSIFIES in name for name in config.get("architectures") or ())
    labels: tuple[str, ...] = ()
    if classifier:
        named = config.get("id2label") or {0: "LABEL_0", 1: "LABEL_1"}  # transformers writes no id2label for two
        labels = tuple(str(named[key]) for key in sorted(named, key=int))
    return Description(classifier, info.kind == "causal", labels)


def _config(model: ModelConfig, folder: Path | None) -> Mapping[str, Any]:
    if folder is None:
        return fetch_description(model).config
    content: Mapping[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return content


def open_classifier(task: Task) -> Ready:
    """A model with a classification head of its own, encoder or causal, its classes named ``task.labels``.

    Raises:
        ModelError: it cannot be loaded.
    """
    assert task.model is not None
    resident = _resident(task.model, task.labels, classifier=True)
    return Ready(resident.model, _question(task, resident))


@dataclass(frozen=True)
class AdapterConfig:
    """What ``adapter_config.json`` says.

    Attributes:
        base: name or folder of the model it was trained on; empty where it does not say.
        classifier: whether it brings a classification head.
        outputs: classes of that head; 0 where it has none.
    """

    base: str
    classifier: bool
    outputs: int


def read_adapter(folder: Path) -> AdapterConfig:
    """Read what an adapter in PEFT's format is.

    Raises:
        ModelError: the folder is no such adapter, or holds it as a pickle.
    """
    try:
        content = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        kind = content.get("task_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(
            f"folder {folder} is no adapter: {CONFIG} is missing or no JSON", hint="give the folder that PEFT has saved"
        ) from error
    if not (folder / WEIGHTS).is_file():
        pickled = (folder / "adapter_model.bin").is_file()
        found = "only a pickle, which is never loaded" if pickled else "no weights"
        raise ModelError(f"folder {folder} holds {found}", hint=f"save it as {WEIGHTS}")
    return AdapterConfig(str(content.get("base_model_name_or_path") or ""), kind == "SEQ_CLS", _outputs(folder))


def _outputs(folder: Path) -> int:
    """Rows of the head's last layer, from the header of the weights."""
    import struct

    with (folder / WEIGHTS).open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: Mapping[str, Any] = json.loads(file.read(length))
    shapes = {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
    found = [
        shape[0] for head in _HEADS for name, shape in shapes.items() if name.endswith(head) and "lora" not in name
    ]
    out = [shape[0] for name, shape in shapes.items() if name.endswith("out_proj.weight") and "classifier" in name]
    return int((out or found or [0])[0])


def open_adapter(task: Task, folder: Path, *, classifier: bool) -> Ready:
    """An adapter of PEFT's format on its base, ``task.model``; classes of a head it brings are ``task.labels``.

    Raises:
        ModelError: base or adapter cannot be loaded, or do not belong together.
    """
    from peft import PeftModel

    from hpo.training.resident import quiet

    assert task.model is not None
    resident = _resident(task.model, task.labels, classifier=classifier)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers by an old name
            model = PeftModel.from_pretrained(resident.model, str(folder))
    except (RuntimeError, ValueError, KeyError) as error:
        raise ModelError(
            f"the adapter does not fit on {task.model.name}: {first_line(error)}",
            hint="name the base it was trained on in `model`",
        ) from error
    model.eval()
    return Ready(model, _question(task, resident))


def _resident(model: ModelConfig, labels: tuple[str, ...], *, classifier: bool) -> Resident:
    """The model loaded; a causal one with a head counts as an encoder from here on: it is asked by its head."""
    from hpo.training.causal_head import load_causal_classifier
    from hpo.training.resident import Needs, load

    if classifier and check_model(model).kind == "causal":
        return load_causal_classifier(model, labels)
    return load(model, Needs(len(labels) or 1, labels))


def _question(task: Task, resident: Resident) -> Question:
    settings: TrainingConfig = settings_of(task.settings)
    encoder = Encoder(resident.tokenizer, None, task.fingerprint, resident.info.readable)
    return Question(task.kind, task.labels, task.outputs, settings, resident, encoder)
