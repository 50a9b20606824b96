"""From what an author writes (a function, a generator, an Objective) to the Session that a worker holds."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hpo.config.knowledge import ready_objectives
from hpo.errors import HpoError, ObjectiveError, TrialFailure
from hpo.objective import (
    Failed,
    Finished,
    Footprint,
    Objective,
    Outputs,
    Progress,
    Progressed,
    Session,
    SessionEvent,
    Task,
    Trial,
)
from hpo.training.distributed import alone
from hpo.training.world import ProcessLost


def open_session(name: str, task: Task) -> Session:
    """The session for a ready objective's name, ``mine.py`` or ``mine.py:name``.

    Raises:
        ObjectiveError: there is no such objective, the file has no usable function, or several processes are to train
            what cannot be divided.
    """
    ready = ready_objectives().get(name)
    objective = ready.load().open_objective(task) if ready else _own(name, task)
    if task.resources.processes > 1 and not hasattr(objective, "follow"):
        raise alone(f"the objective {name}")
    return GeneratorSession(objective)


def load_file(spec: str, default: str) -> tuple[Any, Path]:
    """The object that ``file.py:name`` names (``default`` where no name is given), and the file.

    Raises:
        ObjectiveError: no such file, the file does not import, or has no such name.
    """
    path_text, _, name = spec.partition(":") if ".py:" in spec else (spec, "", "")
    path = Path(path_text)
    if not path.is_file():
        raise ObjectiveError("no such file", where=str(path), hint="give a path relative to the study file")
    found = getattr(_import(path), name or default, None)
    if found is None:
        raise ObjectiveError(
            f"has no {name or default!r}",
            where=str(path),
            hint=f"define {name or default}, or name another: file.py:NAME",
        )
    return found, path


def _import(path: Path) -> ModuleType:
    module_name = f"hpo_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ObjectiveError("is not a Python file", where=str(path), hint="name a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        raise ObjectiveError(
            f"does not import: {type(error).__name__}: {error}", where=f"{path}:{line}", hint="run it alone to see"
        ) from error
    return module


def _own(spec: str, task: Task) -> Objective:
    found, path = load_file(spec, "objective")
    if inspect.isclass(found) or (callable(getattr(found, "open_objective", None))):
        make: Callable[[Task], object] = found if inspect.isclass(found) else found.open_objective
        opened = _made(make, task, spec)
        if not isinstance(opened, Objective):
            raise ObjectiveError("is not an Objective", where=spec, hint="give it train, predict, probe and close")
        return opened
    if not callable(found):
        raise ObjectiveError("is not a function", where=str(path), hint="def objective(params): return {'loss': ...}")
    return FunctionObjective(found, task)


def _made(make: Callable[[Task], object], task: Task, spec: str) -> object:
    try:
        return make(task)
    except (HpoError, OSError):
        raise
    except (Exception, SystemExit) as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        what = f"cannot be opened: {type(error).__name__}: {error} (line {line})"
        raise ObjectiveError(what, where=spec, hint="open it alone to see") from error


class FunctionObjective:
    """An Objective made of a plain function that returns its measurements, or a generator that yields Progress.

    The function takes ``params``; where it names them, also ``task`` (hpo.objective.Task) and ``trial`` (its seed, its
    folder, the checkpoint to go on from). It returns a number, or a mapping of metric names to numbers.
    """

    def __init__(self, function: Callable[..., Any], task: Task) -> None:
        self._function = function
        self._task = task
        self._names = frozenset(inspect.signature(function).parameters)

    def train(self, trial: Trial) -> Iterator[Progress]:
        """Run the function, or go through the generator."""
        extra = {"task": self._task, "trial": trial}
        returned = self._function(dict(trial.searched), **{k: v for k, v in extra.items() if k in self._names})
        if inspect.isgenerator(returned):
            yield from returned
        else:
            yield Progress(examples=1, fraction=1.0, metrics=_as_metrics(returned))

    def predict(self, artifact: Path | None, rows: Any) -> Outputs:
        """A plain function has no predictions."""
        raise ObjectiveError("an objective made of a function cannot predict", hint="write an Objective with predict")

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Not known."""
        return None

    def close(self) -> None:
        """Nothing is held."""


def _as_metrics(returned: Any) -> dict[str, float]:
    if isinstance(returned, Mapping):
        return {str(name): float(value) for name, value in returned.items()}
    try:
        return {"value": float(returned)}
    except (TypeError, ValueError):
        raise TrialFailure("exception", f"the objective returned {type(returned).__name__}, not numbers") from None


class GeneratorSession:
    """A Session of one trial at a time over an Objective: trials wait in order of admission."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._waiting: deque[Trial] = deque()
        self._running: tuple[int, Iterator[Progress]] | None = None

    def admit(self, trial: Trial) -> None:
        """Queue a trial."""
        self._waiting.append(trial)

    def evict(self, number: int) -> None:
        """Drop a waiting trial, or close the running one's generator at once, so that it gives its memory back."""
        if self._running is not None and self._running[0] == number:
            _close(self._running[1])
            self._running = None
        self._waiting = deque(trial for trial in self._waiting if trial.number != number)

    def events(self) -> Iterator[SessionEvent]:
        """Train the admitted trials one after the other."""
        while self._waiting:
            yield from self._run(self._waiting.popleft())

    def _run(self, trial: Trial) -> Iterator[SessionEvent]:
        run = self._objective.train(trial)
        self._running = (trial.number, run)
        try:
            for progress in run:
                yield Progressed(trial.number, progress)
                if self._running is None:  # evicted; a further attempt of the trial may be waiting already
                    return
            yield Finished(trial.number)
        except ProcessLost:
            raise  # not the trial's fault: it is trained again elsewhere
        except TrialFailure as failure:
            yield Failed(trial.number, failure.reason, str(failure.args[0]))
        except HpoError as error:
            yield Failed(trial.number, "exception", str(error), traceback.format_exc())
        except (Exception, SystemExit) as error:  # an author's code may raise anything; the study goes on
            yield Failed(trial.number, _reason(error), f"{type(error).__name__}: {error}", traceback.format_exc())
        finally:
            self._running = None
            _close(run)

    def follow(self) -> None:
        """Train in step with the first process; see hpo.training.distributed.follow."""
        take_part = getattr(self._objective, "follow", None)
        if take_part is None:
            raise alone("this objective")
        take_part()

    def predict(self, artifact: Path | None, rows: Any) -> Outputs:
        """See Objective.predict."""
        return self._objective.predict(artifact, rows)

    def base_closing(self) -> Mapping[str, float]:
        """See Session.base_closing; nothing where the objective does not say."""
        take = getattr(self._objective, "base_closing", None)
        return {} if take is None else dict(take())

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """See Objective.probe."""
        return self._objective.probe(params)

    def close(self) -> None:
        """Close the objective."""
        self._objective.close()


def _close(run: Iterator[Progress]) -> None:
    close = getattr(run, "close", None)
    if close is not None:
        close()


def _reason(error: BaseException) -> str:
    """Out of memory is told from other faults by name, since this room knows neither torch nor CUDA."""
    return (
        "out_of_memory" if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" else "exception"
    )
