"""For people who stay with Ray Tune: a searcher and a scheduler that keep an Optuna study truthful.

    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from hpo.integrations.ray_tune import StudyScheduler, StudySearch

    search = StudySearch(
        {"lr": tune.loguniform(1e-5, 1e-2)}, metric="loss", mode="min",
        constraints=[{"metric": "latency_ms", "max": 20}],
    )
    scheduler = StudyScheduler(search, ASHAScheduler(max_t=9))
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(search_alg=search, scheduler=scheduler, num_samples=30),
        run_config=tune.RunConfig(name="support-tickets"),
    )
    tuner.fit()        # the study "support-tickets" lies in study.db in the experiment's folder

Tune tells a searcher that a trial has ended, and not who ended it: the last result of a trial stopped by ASHA is marked
``done`` like that of one that ran its whole length. Only the scheduler knows, so both are needed: the scheduler wraps
the one that decides, notes each of its stops, and says so to the searcher before Tune does.

What Optuna holds at the end of a trial:

===============================================  ==========  =====================================
the trial                                        state       value, attributes
===============================================  ==========  =====================================
ended by itself, by a stopping criterion, or by  COMPLETE    the last result's
the scheduler at its full length (``max_t``)
stopped by the scheduler before                  PRUNED      the last result's (one objective)
last result NaN or infinite                      FAIL        none, ``reason: not_finite``
raised, or its worker died                       FAIL        none, ``reason: error``, ``message``
ended from outside, or with the experiment       FAIL        none, ``reason: cut``
===============================================  ==========  =====================================

``Tuner.restore`` goes on with what was in flight as the same Optuna trials. Those that Tune had not saved yet are given
to the next trials that it asks for; a trial that Tune skips is told FAIL. Nothing is told twice: a trial that was told
and that Tune runs again stays as it was told, but for one that had failed: its new run is a new Optuna trial, with
``retry_of``.
"""

from __future__ import annotations

from hpo.integrations.ray_tune_scheduler import StudyScheduler
from hpo.integrations.ray_tune_search import StudySearch

__all__ = ["StudyScheduler", "StudySearch"]
