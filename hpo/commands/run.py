"""`hpo run study.yaml`: read, check, search, show; every number shown can be had with --json too."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from hpo.commands import INTERRUPTED, Terminated
from hpo.config import load
from hpo.config.models import StudyConfig
from hpo.errors import ConfigurationError, ModelError, NoTrialCompleted

if TYPE_CHECKING:
    from hpo.data.rows import Splits
    from hpo.records import Event
    from hpo.search.study import Study

HELP = "search: python -m hpo.run study.yaml is the same; the same command again resumes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``hpo run``."""
    parser.add_argument("study", metavar="study.yaml", help="the study file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a key: --set budget.trials=50"
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything, print the plan, train nothing")
    parser.add_argument(
        "--accept-data",
        metavar="REASON",
        help="go on though the rows fail a gate; the reason is recorded",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Run or resume a study."""
    if "HPO_SEALED" in os.environ:  # the driver of a job that `hpo submit` sent
        from hpo.runners.ray_sealed import unseal

        unseal()
    config = load(arguments.study, arguments.set)
    if arguments.dry_run:
        return _dry_run(config, arguments)
    study, reason = search(config, show=True, accept_data=accepted(arguments))
    code = _exit_code(study, reason)
    _print_result(study, arguments, reason)
    return code


def accepted(arguments: argparse.Namespace) -> str | None:
    """The reason after ``--accept-data``.

    Raises:
        ConfigurationError: there is none.
    """
    reason: str | None = arguments.accept_data
    if reason is not None and not reason.strip():
        raise ConfigurationError("`--accept-data` needs a reason", where="--accept-data", hint='"copies are meant"')
    return reason


def _print_result(study: Study, arguments: argparse.Namespace, reason: str) -> None:
    if arguments.json:
        from hpo.records.summary import summary

        print(json.dumps({**summary(study.config, study.state), "ended": reason}, allow_nan=False))
        return
    from hpo.commands.closing import print_summary

    print(f"search ended: {reason}")
    print_summary(study.config, study.state, study.folder, study_file=arguments.study)


def search(config: StudyConfig, *, show: bool, accept_data: str | None = None) -> tuple[Study, str]:
    """Run a study to its end and return it with the reason it ended.

    Args:
        config: the study.
        show: whether progress goes to standard error.
        accept_data: why to go on though the rows fail a gate.

    Raises:
        HpoError: anything that is wrong, in one sentence.
    """
    from hpo.runners.opening import joining
    from hpo.search.data_checks import checked_data
    from hpo.search.study import Study

    with joining(config) as cluster:
        splits = check(config)
        checked = checked_data(config, splits, accept_data)
        with Study(config, splits, checked, cluster) as study, _Signals(study) as signals, ExitStack() as watchers:
            watch = list(_watchers(study, watchers, show=show))
            for event in study.events():
                signals.check()
                for take in watch:
                    take(event)
    from hpo.report.dashboard import publish

    publish(config, study.state, study.folder)
    return study, study.outcome


def _watchers(study: Study, stack: ExitStack, *, show: bool) -> Iterator[Callable[[Event], None]]:
    """Those who are shown every event: the terminal, TensorBoard, Weights & Biases."""
    if show:
        from hpo.commands.terminal import Terminal

        yield stack.enter_context(Terminal(study.config, study.state)).show
    if study.config.loggers.tensorboard:
        from hpo.loggers.tensorboard import TensorBoardLogger

        logger = TensorBoardLogger(study.folder.logs, study.config)
        stack.callback(logger.close)
        yield logger.log
    if study.config.loggers.wandb is not None:
        from hpo.loggers.wandb import WandbLogger

        remote = WandbLogger(study.config.loggers.wandb, study.folder.root, study.config)
        stack.callback(remote.close)
        yield remote.log


def check(config: StudyConfig) -> Splits | None:
    """Everything that can be known to be wrong before a run folder is made or a model is loaded.

    Raises:
        DataError, ModelError: the rows or the model cannot be used.
        ConfigurationError: a task of lm-evaluation-harness cannot be used.
    """
    if config.model is not None:
        from hpo.training.check import check_model

        _check_asked(config, check_model(config.model).kind)
    if config.data is None:
        return None
    from hpo.data import prepare

    return prepare(config)


def _check_asked(config: StudyConfig, kind: str) -> None:
    """What is asked of the model beyond the task: forgetting, tasks of lm-evaluation-harness."""
    from hpo.config.harness import is_harness
    from hpo.runners.working import wanted

    tasks = [name for name in wanted(config) if is_harness(name)]
    if kind == "encoder" and (tasks or (config.data is not None and config.data.forgetting)):
        raise ModelError(
            f"{config.model.name if config.model else ''} is an encoder without a language-modelling head: "
            f"{tasks[0] if tasks else 'data.forgetting'} cannot be measured",
            where="model",
            hint=f"remove {tasks[0] if tasks else 'data.forgetting'}, or use a causal model (Llama, Qwen)",
        )
    if tasks:
        from hpo.training.harness import check as check_tasks

        check_tasks(tasks)


def _exit_code(study: Study, reason: str) -> int:
    if reason == "interrupted":
        return INTERRUPTED
    records = study.state.records.values()
    if not any(record.state == "complete" for record in records):
        raise NoTrialCompleted(
            f"no trial completed: {reason}",
            where=study.folder.place,
            hint=f"hpo status {study.folder.place} groups the reasons; trials.csv holds every message",
        )
    return 0


def _dry_run(config: StudyConfig, arguments: argparse.Namespace) -> int:
    from hpo.commands.plan import print_plan
    from hpo.records import data_checks
    from hpo.search.data_checks import checked_data
    from hpo.search.plan import plan

    splits = check(config)
    checked = checked_data(config, splits, accepted(arguments))
    found = {**plan(config, splits), "data_checks": data_checks.summary(checked.event if checked else None)}
    if arguments.json:
        print(json.dumps(found, allow_nan=False))
    else:
        print_plan(found, sys.stdout)
    return 0


class _Signals:
    """Ctrl-C once finishes what runs, twice stops at once; SIGTERM stops at once.

    An exception raised by a signal handler is lost where it meets a destructor or a library that catches everything;
    ``check``, called at every event, raises it again.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._pressed = False
        self._raised: BaseException | None = None
        self._old: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            self._old = {
                signal.SIGINT: signal.signal(signal.SIGINT, self._interrupt),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._terminate),
            }
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        if error is not None and self._raised is not None:  # Ray turns what a handler raises into a SystemError
            raise self._raised from None

    def check(self) -> None:
        """Raise what a handler raised, where that was lost."""
        if self._raised is not None:
            raise self._raised

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            self._raise(KeyboardInterrupt(), "interrupted")
        self._pressed = True
        self._study.search.interrupt()
        print("\nfinishing what runs; Ctrl-C again stops at once", file=sys.stderr)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self._raise(Terminated(), "terminated")

    def _raise(self, error: BaseException, outcome: str) -> None:
        self._raised = error
        self._study.outcome = outcome
        raise error
