"""The Objective behind lora and full_finetune: trains one run at a time on a base model that stays loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hpo.config.training import TrainingConfig
from hpo.data.preparation import chosen
from hpo.data.prepared import Prepared, Preparer
from hpo.data.rows import Rows
from hpo.errors import ConfigurationError, ModelError, TrialFailure
from hpo.objective import Footprint, Outputs, Progress, Task, Trial
from hpo.training import artifacts, checkpoints, footprint
from hpo.training.adapters import adapt, checkpoint_gradients
from hpo.training.batches import make_schedule
from hpo.training.closing import Closing
from hpo.training.device import claim
from hpo.training.distributed import join
from hpo.training.encode import Encoded, Encoder
from hpo.training.loop import Evaluation, Run, guarded
from hpo.training.losses import make_loss
from hpo.training.measure import Meter, body_parameters
from hpo.training.memory import choose_micro_batch, predict_memory
from hpo.training.optimizer import lay_out, make_trainable
from hpo.training.predict import predict
from hpo.training.question import Question
from hpo.training.ready import Ready
from hpo.training.resident import Needs, Resident, load
from hpo.training.settings import settings_of

CAUSAL_ONLY = ("instruction", "language_modeling")


class FineTuning:
    """See hpo.objective.Objective.

    Args:
        task: what is to be learnt, from which model.
        full: train all weights instead of an adapter.

    Raises:
        ModelError: the model cannot be used for this task.
        ConfigurationError: a setting names what this model does not have.
    """

    def __init__(self, task: Task, *, full: bool = False) -> None:
        if task.model is None:
            raise ConfigurationError("this objective needs a model", where="model", hint="model: Qwen/Qwen3-0.6B")
        self._task = task
        self._full = full
        self._settings = settings_of(task.settings)
        claim(task.resources)
        self._resident = load(task.model, Needs(len(task.labels) or 1, task.labels, full))
        if task.kind in CAUSAL_ONLY and self._resident.info.kind == "encoder":
            raise ModelError(
                f"{task.model.name} is an encoder: it cannot do {task.kind}",
                where="model",
                hint="use a causal model (Llama, Qwen)",
            )
        self._encoder = Encoder(self._resident.tokenizer, task.cache, task.fingerprint, self._resident.info.readable)
        self._measured: dict[Any, footprint.Measured] = {}
        self._found: dict[Any, dict[str, float]] = {}
        if not full:
            _check_targets(self._resident, self._settings)
        self._closing = Closing(task, self._asked(self._settings, (0.0, 1.0), ()), self._base)
        self._world = join(task.resources)

    def train(self, trial: Trial) -> Iterator[Progress]:
        """Train, yielding at each evaluation; see Objective.train. The other processes of ``follow`` do the same."""
        run, question, data = self._begin(self._world.agree(trial))
        validation = self._rows("validation")
        with closing(run.evaluations(question.settings.evaluations)) as evaluations:
            for evaluation in evaluations:
                outputs = guarded(lambda: predict(run.model, validation, question))
                run.meter.latencies = question.latencies
                progress = self._progress(run, evaluation, outputs, self._manifest(question, trial.seed))
                yield self._closing.added(progress, run.model, question, data.given)

    def follow(self) -> None:
        """Train what the first process trains, in step with it, until it closes; say nothing, and close then.

        Raises:
            ProcessLost: another process has died.
        """
        while (trial := self._world.agree(None)) is not None:
            self._accompany(trial)
        self.close()

    def predict(self, artifact: Path | None, rows: Rows) -> Outputs:
        """Predict with an artifact, or with the untuned base (an encoder's: its head drawn from the study's seed)."""
        return self.ready(artifact)(rows)

    def ready(self, artifact: Path | None) -> Ready:
        """The model that ``predict`` asks, loaded once for any number of questions."""
        if artifact is None:
            question = self._base_question()
            return guarded(lambda: Ready(self._base(), replace(question, shown=self._shown(question))))  # type: ignore[no-any-return]
        manifest = artifacts.read_manifest(artifact)
        question = self._asked(manifest.settings, manifest.scale, manifest.transforms)
        return guarded(lambda: Ready(self._restored(artifact, manifest), question))  # type: ignore[no-any-return]

    def base_closing(self) -> Mapping[str, float]:
        """What a closing evaluation measures, of the untuned base; see Session.base_closing."""
        return self._closing.of_base()

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Predict memory and time from a two-point measurement, made once a kind of adapter; see Objective.probe."""
        settings, data = settings_of(self._task.settings, params), self._prepare(params)
        question = self._question(settings, data)
        found = self._coefficients(question, data)
        encoded = self._encoded(question, data)
        validation = self._encoder.encode(question.pieces(self._rows("validation")), settings.max_length)
        tokens, processes = int(validation.lengths.sum()), self._task.resources.processes
        seconds = footprint.run_seconds(found, settings, encoded, tokens, processes)
        return Footprint(predict_memory(found, settings.model_dump()), found["limit_gb"], seconds, found)

    def close(self) -> None:
        """Let the model go, and the other processes."""
        import gc

        self._world.close()
        del self._resident, self._encoder, self._closing
        self.__dict__.pop("_prepare", None)
        gc.collect()

    # A run

    def _begin(self, trial: Trial) -> tuple[Run, Question, Prepared]:
        """The run of a trial, in all processes or in none, from its checkpoint where it has one."""

        def start() -> tuple[Run, Question, Prepared]:
            settings = settings_of(self._task.settings, trial.params)
            data = self._prepare(trial.params)
            question = self._question(settings, data)
            return guarded(lambda: self._start(trial, question, data)), question, data

        run, question, data = self._world.together(start)
        self._world.copy(run.trainable.held)  # the same weights, whatever device they were drawn on
        if trial.checkpoint is not None:
            checkpoints.read(run, trial.checkpoint)
        return run, question, data

    def _accompany(self, trial: Trial) -> None:
        try:
            run, question, _ = self._begin(trial)
            for _at in run.evaluations(question.settings.evaluations):
                pass  # the first process looks
        except TrialFailure:
            pass  # the first process tells

    def _start(self, trial: Trial, question: Question, data: Prepared) -> Run:
        import torch

        settings = question.settings
        micro = self._micro(question, data)
        model = self._model(settings, trial.seed)
        torch.manual_seed(trial.seed)
        encoded = self._encoded(question, data)
        schedule = make_schedule(encoded, settings, trial.seed)
        trainable = make_trainable(model, settings, schedule.steps)
        meter = Meter(self._resident.device, body_parameters(self._resident.model), trainable.count, self._full)
        loss = make_loss(question, data, encoded)
        return Run(model, trainable, loss, schedule, meter, micro, settings.bf16, self._world)

    def _micro(self, question: Question, data: Prepared) -> int:
        """Rows of one forward pass; measured only where a rule of thumb does not settle it."""
        settings = question.settings
        if settings.micro_batch_size is not None:
            return settings.micro_batch_size
        if footprint.surely_fits(self._resident, settings, self._encoded(question, data), self._task.resources):
            return settings.batch_size
        return choose_micro_batch(self._coefficients(question, data), settings.model_dump())

    def _coefficients(self, question: Question, data: Prepared) -> dict[str, float]:
        """Measured coefficients; the measurement is kept for settings that change the slope alike."""
        settings = question.settings
        key = (settings.method, settings.lora_dropout > 0, settings.gradient_checkpointing, settings.bf16)
        if (key, data.preparation) not in self._found:
            encoded = self._encoded(question, data, self._resident.info.readable or settings.max_length)
            if key not in self._measured:
                length = int(min(settings.max_length, encoded.lengths.max()))
                model = self._model(settings, self._task.seed)
                self._measured[key] = guarded(
                    lambda: footprint.measure(self._resident, model, settings, max(2, length))
                )
            self._found[key, data.preparation] = footprint.coefficients(
                self._resident, self._measured[key], encoded, self._task.resources
            )
        return self._found[key, data.preparation]

    def _encoded(self, question: Question, data: Prepared, max_length: int | None = None) -> Encoded:
        return self._encoder.encode(question.prepared_pieces(data.train), max_length or question.settings.max_length)

    def _model(self, settings: TrainingConfig, seed: int) -> Any:
        if not self._full:
            return adapt(self._resident, settings, seed)
        model = self._resident.view(seed)
        if settings.gradient_checkpointing:
            checkpoint_gradients(model)
        return model.requires_grad_(True)

    def _progress(self, run: Run, at: Evaluation, outputs: Outputs, manifest: artifacts.Manifest) -> Progress:
        return Progress(
            examples=at.examples,
            fraction=at.fraction,
            outputs=outputs,
            measurements={**run.meter.measurements(at.train_loss), "train_rows": float(len(run.schedule.lengths))},
            save=lambda folder: artifacts.save(run.model, self._resident.tokenizer, manifest, folder),
            checkpoint=lambda folder: checkpoints.write(run, folder),
        )

    # Artifacts

    def _manifest(self, asked: Question, seed: int) -> artifacts.Manifest:
        kind, labels = self._task.kind, self._task.labels
        return artifacts.Manifest(kind, labels, asked.scale, asked.settings, seed, self._full, asked.transforms)

    def _restored(self, folder: Path, manifest: artifacts.Manifest) -> Any:
        model = self._model(manifest.settings, manifest.seed)
        lay_out(model, manifest.settings)
        artifacts.load(model, manifest, folder)
        return model

    def _base(self) -> Any:
        return self._resident.view(self._task.seed)

    # The task

    def _question(self, settings: TrainingConfig, data: Prepared) -> Question:
        return self._asked(settings, self._scale(data.train), data.preparation.texts)

    def _base_question(self) -> Question:
        scale = self._scale(self._rows("train")) if self._task.kind == "regression" else (0.0, 1.0)
        return self._asked(self._settings, scale, chosen(self._task.preparation).texts)

    def _asked(self, settings: TrainingConfig, scale: tuple[float, float], transforms: tuple[str, ...]) -> Question:
        task, parts = self._task, (self._resident, self._encoder)
        return Question(task.kind, task.labels, task.outputs, settings, *parts, scale, transforms=transforms)

    @cached_property
    def _prepare(self) -> Preparer:
        return Preparer(self._rows("train"), self._task.preparation, self._task.seed)

    def _rows(self, split: str) -> Rows:
        rows: Rows | None = getattr(self._task, split)
        if rows is None or not len(rows):
            raise ConfigurationError(
                f"there are no {split} rows", where="data", hint="give data.train, and a split with rows in it"
            )
        return rows

    def _scale(self, train: Rows) -> tuple[float, float]:
        """Mean and spread of an encoder's regression targets: the head learns a standardised number."""
        if self._task.kind != "regression":
            return (0.0, 1.0)
        values = train.frame["label"].to_numpy(dtype=float)
        return (float(values.mean()), float(values.std()) or 1.0)

    def _shown(self, question: Question) -> tuple[Any, ...]:
        """The first ``few_shot`` training rows of an order drawn from the study's seed, solved."""
        count = self._settings.few_shot
        if not count or self._resident.info.kind == "encoder":
            return ()
        train = self._rows("train")
        order = np.random.default_rng(self._task.seed).permutation(len(train))[:count]
        return tuple(question.pieces(train.take(order)))


def _check_targets(resident: Resident, settings: TrainingConfig) -> None:
    """Refuse fixed ``target_modules`` that name nothing before the first trial does."""
    from hpo.training.adapters import linear_modules, unknown_modules

    wanted = (settings.target_modules,) if isinstance(settings.target_modules, str) else settings.target_modules
    names = linear_modules(resident.model)
    if "all-linear" not in wanted and not any(name == w or name.endswith(f".{w}") for name in names for w in wanted):
        raise unknown_modules(resident, settings)
