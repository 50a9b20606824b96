"""best.yaml: a study file that runs the best configuration alone."""

from __future__ import annotations

from hpo.config.models import BudgetConfig, StudyConfig
from hpo.config.resolved import resolved_yaml
from hpo.config.space import Constant
from hpo.records import RunFolder, StudyState
from hpo.records.champion import champion


def write_best(folder: RunFolder, config: StudyConfig, state: StudyState) -> None:
    """Write best.yaml where some trial is complete and feasible.

    The configuration stands as constants of the space, so that the file is a study of one trial.
    """
    best = champion(state.records.values(), config.primary)
    if best is None:
        return
    constants = {
        name: Constant(type="constant", value=tuple(value) if isinstance(value, list) else value)
        for name, value in best.settings.items()
    }
    alone = config.model_copy(
        update={
            "study": f"{config.study}-best",
            "search_space": constants,
            "known": (),
            "budget": BudgetConfig(trials=1),
            "warm_start": None,
        }
    )
    note = (
        f"# The best configuration of study {config.study} (trial {best.number}, seed {config.sampler.seed}), alone.\n"
        f"# Run it: python -m hpo.run {folder.best_yaml}\n"
    )
    folder.best_yaml.write_text(note + resolved_yaml(alone), encoding="utf8")
