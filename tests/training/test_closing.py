"""What is measured where an evaluation counts: it says what it should, and leaves the run as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpo.config.models import ObjectiveConfig
from hpo.data.rows import Rows
from hpo.errors import DataError, ModelError
from hpo.evaluators.overfitting import gap
from hpo.evaluators.score import Scorecard
from hpo.objective import Progress
from hpo.training.finetune import FineTuning

TUNED = "the violin played a slow melody and the choir sang the last song of the concert"
OTHER = "chop the onion, fry it in butter and stir the sauce until the soup is thick"


def texts(text: str, n: int = 16) -> Rows:
    return Rows(pd.DataFrame({"id": [str(i) for i in range(n)], "text": [text] * n}), "text")


def language(bench: Any, model: Path, **changes: Any) -> Any:
    rows = {"train": texts(TUNED), "validation": texts(TUNED, 4), "forgetting": texts(OTHER, 3)}
    return bench.task(model, kind="language_modeling", outputs=frozenset({"likelihood"}), **{**rows, **changes})


def trained(objective: Any, trial: Any) -> list[Progress]:
    return list(objective.train(trial))


@pytest.fixture
def cook(bench: Any, llama: Path, tmp_path: Path) -> Path:
    """The tiny Llama after it has learnt the one text that nothing is tuned for here."""
    task = language(bench, llama, train=texts(OTHER), validation=texts(OTHER, 2), forgetting=None)
    last = trained(FineTuning(task, full=True), bench.trial(learning_rate=5e-3, num_train_epochs=20))[-1]
    assert last.save is not None and last.outputs.nll_sum.sum() / last.outputs.n_tokens.sum() < 0.5
    last.save(tmp_path / "cook")
    return tmp_path / "cook"


def test_an_adapter_tuned_hard_on_one_text_forgets_another(bench: Any, cook: Path) -> None:
    objective = FineTuning(language(bench, cook))
    lost = []
    for progress in objective.train(bench.trial(learning_rate=1e-2, num_train_epochs=20, evaluations=2)):
        assert progress.closing is not None
        lost.append(progress.closing()["forgetting"])
    assert 0.1 < lost[0] < lost[1]


def test_what_has_not_been_tuned_has_forgotten_nothing(bench: Any, llama: Path) -> None:
    objective = FineTuning(language(bench, llama))
    (progress,) = trained(objective, bench.trial(learning_rate=1e-30, num_train_epochs=1, evaluations=1))
    assert progress.closing is not None
    assert progress.closing()["forgetting"] == pytest.approx(0, abs=1e-6)
    assert objective.base_closing() == {"forgetting": 0.0}


def test_forgetting_is_the_difference_of_two_losses_a_token(bench: Any, llama: Path) -> None:
    objective = FineTuning(language(bench, llama))
    other = texts(OTHER, 3)
    last = trained(objective, bench.trial(learning_rate=1e-2, num_train_epochs=3, evaluations=1))[-1]
    assert last.save is not None and last.closing is not None
    last.save(bench.folder / "adapter")
    base, tuned = objective.predict(None, other), objective.predict(bench.folder / "adapter", other)
    expected = (tuned.nll_sum.sum() - base.nll_sum.sum()) / base.n_tokens.sum()
    assert last.closing()["forgetting"] == pytest.approx(expected, abs=1e-6)


def test_all_weights_can_forget_too(bench: Any, cook: Path) -> None:
    objective = FineTuning(language(bench, cook), full=True)
    (progress,) = trained(objective, bench.trial(learning_rate=5e-3, num_train_epochs=10, evaluations=1))
    assert progress.closing is not None
    assert progress.closing()["forgetting"] > 0.1


def test_measuring_leaves_the_run_as_it_was(bench: Any, llama: Path) -> None:
    def run(*, measured: bool) -> list[Any]:
        objective = FineTuning(language(bench, llama))
        seen = []
        for progress in objective.train(bench.trial(lora_dropout=0.3, num_train_epochs=4, evaluations=4)):
            if measured:
                assert progress.train_outputs is not None and progress.closing is not None
                progress.train_outputs(), progress.closing()
            seen.append((progress.outputs.nll_sum.tolist(), progress.measurements["train_loss"]))
        return seen

    assert run(measured=True) == run(measured=False)


def test_an_encoder_has_no_language_modelling_head(bench: Any, minilm: Path) -> None:
    with pytest.raises(ModelError, match="without a language-modelling head") as caught:
        FineTuning(bench.task(minilm, forgetting=texts(OTHER, 3)))
    assert "remove data.forgetting" in caught.value.faults[0].hint


def test_text_without_a_token_is_refused(bench: Any, llama: Path) -> None:
    with pytest.raises(DataError, match="no row has a token"):
        FineTuning(language(bench, llama, forgetting=texts("", 2)))


def test_a_run_that_memorises_fits_the_training_rows_better(bench: Any, llama: Path) -> None:
    task = language(bench, llama, validation=texts(OTHER, 4), forgetting=None)
    scorecard = Scorecard("language_modeling", wanted=["loss"])
    objective = FineTuning(task)
    last = trained(objective, bench.trial(learning_rate=1e-2, num_train_epochs=20, evaluations=1))[-1]
    assert last.train_outputs is not None and last.closing is None
    validation = scorecard.score(task.validation, last.outputs).metrics
    found = gap(
        scorecard, task.train, last.train_outputs(), validation, ObjectiveConfig(metric="loss", direction="minimize")
    )
    assert found["overfitting"] == pytest.approx(validation["loss"] - found["train_loss"]) and found["overfitting"] > 1


def test_a_resumed_run_measures_the_same(bench: Any, llama: Path) -> None:
    objective = FineTuning(language(bench, llama))
    settings = {"lora_dropout": 0.2, "num_train_epochs": 4, "evaluations": 2}
    whole = trained(objective, bench.trial(**settings))[-1]
    expected = (whole.closing(), whole.train_outputs().nll_sum.tolist())
    first = next(objective.train(bench.trial(**settings)))
    first.checkpoint(bench.folder / "step")
    again = trained(FineTuning(language(bench, llama)), bench.trial(checkpoint=bench.folder / "step", **settings))[-1]
    assert (again.closing(), again.train_outputs().nll_sum.tolist()) == expected
