"""From a worker's word to a settled trial: its state, numbers and feasibility, in the journal and in Optuna."""

from __future__ import annotations

from typing import Any

from optuna.trial import TrialState

from hpo.config.models import StudyConfig
from hpo.records.champion import value_of
from hpo.records.record import Record
from hpo.search.halving import Halving
from hpo.search.storage import StudyStore
from hpo.search.verdict import judge

MISFITS = frozenset({"out_of_memory", "does_not_fit"})


def tell_event(config: StudyConfig, record: Record, halving: Halving) -> dict[str, Any]:
    """The fields of a trial's ``tell`` event, from its result and the halving decisions made on it.

    A trial stopped at a rung shows what it showed there: whatever it did before the stop reached it is discarded.
    """
    assert record.result is not None
    rung = halving.stopped_at(record)
    ending = dict(record.result)
    if rung is not None:
        point = halving.counted(record)[-1]
        ending |= {"state": "pruned", "reason": "asha", "message": f"below the best at {rung:g} of its length"}
        ending |= {"metrics": point.metrics, "measurements": point.measurements, "examples": point.examples}
    names = ("number", "state", "reason", "message", "metrics", "measurements", "examples")
    fits = ending["reason"] not in MISFITS
    judged = judge(config.constraints, {**ending["measurements"], **ending["metrics"]}, fits=fits)
    unknown = ending["state"] == "failed" and fits
    return {
        **{name: ending[name] for name in names},
        "constraints": judged.constraints,
        "violation": "" if unknown else judged.violation,
        "feasible": None if unknown else judged.feasible,
    }


def tell_store(store: StudyStore, config: StudyConfig, record: Record) -> None:
    """Finish the trial in Optuna as its record says; a run that did not fit is PRUNED with a violated constraint."""
    values = [value_of(record, objective.metric) for objective in config.objectives]
    known = [value for value in values if value is not None]
    state = _optuna_state(record, complete=len(known) == len(values))
    keep = state is TrialState.COMPLETE or (state is TrialState.PRUNED and len(values) == len(known) == 1)
    names = ("state", "reason", "examples", "metrics", "measurements")
    result = {name: getattr(record, name) for name in names}  # one attribute: each would be a transaction of its own
    store.tell(record.number, state, known if keep else None, record.constraints, {"result": result})


def _optuna_state(record: Record, *, complete: bool) -> TrialState:
    if record.state == "complete" and complete:
        return TrialState.COMPLETE
    if record.state == "pruned" or record.reason in MISFITS:
        return TrialState.PRUNED
    return TrialState.FAIL
