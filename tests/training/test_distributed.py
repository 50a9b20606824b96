"""Several processes train one trial as one process does, and begin, stop, fail and end together."""

from __future__ import annotations

import multiprocessing
import pickle
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hpo.errors import ConfigurationError, ObjectiveError
from hpo.objective import Resources, Task
from hpo.sessions import open_session
from hpo.training.distributed import Joined, follow, mask_seed
from tests.training.process import PRELOADED, Spec, events, start

LONG = {"num_train_epochs": 4, "batch_size": 6, "micro_batch_size": 2, "lr_scheduler_type": "cosine"}
CLIPPED = {**LONG, "max_grad_norm": 0.5, "warmup_ratio": 0.1, "weight_decay": 0.1}
pytestmark = pytest.mark.xdist_group("distributed")


class Group:
    """Starts real processes that train together, and ends those that are left."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._started: list[Any] = []

    def begin(self, spec: Spec, size: int = 2) -> list[Any]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        fresh = [self._context.Process(target=start, args=(spec, rank, size, port)) for rank in range(size)]
        for process in fresh:
            process.start()
        self._started += fresh
        return fresh

    def run(self, spec: Spec, size: int = 2) -> dict[int, list[Any]]:
        codes = wait(self.begin(spec, size), 120)
        assert codes == [0] * size, Path(f"{spec.result}-0.err").read_text() + Path(f"{spec.result}-1.err").read_text()
        found: dict[int, list[Any]] = pickle.loads(spec.result.read_bytes())
        return found

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.join()


def wait(processes: list[Any], seconds: float) -> list[int | None]:
    until = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
    return [process.exitcode for process in processes]


@pytest.fixture
def group() -> Iterator[Group]:
    started = Group()
    yield started
    started.end()


def instruction(bench: Any, llama: Path) -> Task:
    rows = {"train": bench.instructions(23), "validation": bench.instructions(6)}
    task: Task = bench.task(llama, kind="instruction", outputs=frozenset({"likelihood"}), **rows)
    return task


def weights(spec: Spec, number: int, evaluation: int) -> dict[str, torch.Tensor]:
    state = torch.load(Path(f"{spec.result}-{number}-{evaluation}") / "state.pt", weights_only=True)
    found: dict[str, torch.Tensor] = state["weights"]
    return found


def difference(spec: Spec, other: Spec, number: int = 0, evaluation: int = 2) -> float:
    """The largest difference of two runs' weights."""
    one, two = weights(spec, number, evaluation), weights(other, number, evaluation)
    assert one.keys() == two.keys()
    return max(float((one[name] - two[name]).abs().max()) for name in one)


def said(outputs: Any) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = outputs.probabilities if outputs.nll_sum is None else outputs.nll_sum
    return found


def told_of(run: list[Any]) -> list[Any]:
    """What must be the same to the last bit where nothing differs."""
    kept = ("train_tokens", "train_flops", "train_loss", "trainable_parameters")
    return [(at, part, {k: m[k] for k in kept}, said(outputs).tobytes()) for at, part, m, outputs in run]


@pytest.mark.parametrize("optim", ["adamw_torch", "sgd", "adafactor"])
@pytest.mark.parametrize("case", ["lora on a causal model", "full_finetune", "lora on an encoder"])
def test_two_processes_train_as_one_does(
    case: str, optim: str, bench: Any, llama: Path, minilm: Path, group: Group, tmp_path: Path
) -> None:
    if case == "lora on an encoder":  # unequal lengths, 23 rows: the last batch of an epoch has 5
        task = bench.task(minilm, train=bench.rows(23))
    elif case == "full_finetune":
        task = bench.task(llama, kind="language_modeling", train=bench.rows(23), outputs=frozenset({"likelihood"}))
    else:
        task = instruction(bench, llama)
    rate = {"adamw_torch": 1e-3, "sgd": 0.1, "adafactor": 1e-3}[optim]
    trial = bench.trial(optim=optim, **{**CLIPPED, "learning_rate": rate})
    pair = Spec(case.split()[0], task, (trial,), tmp_path / "pair")
    alone = replace(pair, result=tmp_path / "alone")
    one, two = events(alone)[0], group.run(pair)[0]
    assert [told[:2] for told in one] == [told[:2] for told in two] == [(46, 0.5), (92, 1.0)]
    for (*_, mine, expected), (*_, ours, found) in zip(one, two, strict=True):
        assert {n: mine[n] for n in ("train_tokens", "train_flops")} == {
            n: ours[n] for n in ("train_tokens", "train_flops")
        }
        assert abs(mine["train_loss"] - ours["train_loss"]) < 1e-5
        assert np.abs(said(expected) - said(found)).max() < 1e-5 * max(1.0, float(said(expected).max()))
    assert difference(alone, pair) < 1e-5
    moved, first = weights(alone, 0, 2), weights(alone, 0, 1)
    assert max(float((moved[name] - first[name]).abs().max()) for name in moved) > 1e-4  # it did learn


def test_a_batch_with_fewer_rows_than_processes_gives_the_same_gradient(
    bench: Any, llama: Path, group: Group, tmp_path: Path
) -> None:
    task = instruction(bench, llama)  # 23 rows in batches of 2: the last one has a single row, for three processes
    trial = bench.trial(**{**CLIPPED, "batch_size": 2, "num_train_epochs": 1, "optim": "adafactor"})
    three = Spec("lora", task, (trial,), tmp_path / "three")
    alone = replace(three, result=tmp_path / "alone")
    events(alone)
    group.run(three, 3)
    assert difference(alone, three) < 1e-5


def test_a_stop_ends_all_and_the_next_trial_is_as_if_nothing_had_been(
    bench: Any, llama: Path, group: Group, tmp_path: Path
) -> None:
    trials = tuple(replace(bench.trial(**{**CLIPPED, "lora_dropout": 0.2}), number=number) for number in range(3))
    spec = Spec("lora", instruction(bench, llama), trials, tmp_path / "pair", stop={1: 1})
    whole, stopped, after = group.run(spec).values()
    assert (len(whole), len(stopped), len(after)) == (2, 1, 2)
    assert told_of(stopped) == told_of(whole)[:1] and told_of(after) == told_of(whole)


def test_a_run_goes_on_in_other_processes_as_if_undisturbed(
    bench: Any, llama: Path, group: Group, tmp_path: Path
) -> None:
    trial = bench.trial(**{**CLIPPED, "lora_dropout": 0.2})  # masks of its own in each process
    whole = Spec("lora", instruction(bench, llama), (trial,), tmp_path / "whole")
    undisturbed = group.run(whole)[0]
    again = replace(trial, checkpoint=Path(f"{whole.result}-0-1"))
    rest = replace(whole, trials=(again,), result=tmp_path / "rest")
    assert told_of(group.run(rest)[0]) == told_of(undisturbed)[1:]
    first, second = weights(whole, 0, 2), weights(rest, 0, 1)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_memory_that_does_not_last_in_one_process_halves_its_micro_batches_alone(
    bench: Any, llama: Path, group: Group, tmp_path: Path
) -> None:
    trial = bench.trial(**{**CLIPPED, "micro_batch_size": 6})
    pair = Spec("lora", instruction(bench, llama), (trial,), tmp_path / "pair", faults={1: ("memory", 4)})
    alone = replace(pair, result=tmp_path / "alone")
    events(alone)
    group.run(pair)
    assert difference(alone, pair) < 1e-5


@pytest.mark.parametrize(("fault", "reason"), [("memory", "out_of_memory"), ("own", "exception")])
def test_a_failure_in_one_process_is_the_trials_and_the_next_one_goes_on(
    fault: str, reason: str, bench: Any, llama: Path, group: Group, tmp_path: Path
) -> None:
    params = {**CLIPPED, "micro_batch_size": 1}  # nothing is left to halve
    trials = tuple(replace(bench.trial(**params), number=number) for number in range(2))
    spec = Spec("lora", instruction(bench, llama), trials, tmp_path / "pair", faults={1: (fault, 4)})
    failed, after = group.run(spec).values()
    assert len(failed) == 1 and failed[0][0] == reason and "process 1 of 2" in failed[0][1]
    assert [told[:2] for told in after] == [(46, 0.5), (92, 1.0)]


def test_a_run_that_diverges_fails_in_all(bench: Any, llama: Path, group: Group, tmp_path: Path) -> None:
    wild = bench.trial(**{**LONG, "optim": "sgd", "learning_rate": 1e30, "max_grad_norm": 0.0})
    trials = (wild, replace(bench.trial(**CLIPPED), number=1))
    task = bench.task(llama, kind="language_modeling", outputs=frozenset({"likelihood"}))
    diverged, after = group.run(Spec("full_finetune", task, trials, tmp_path / "pair")).values()
    assert diverged[-1][0] == "diverged" and len(after) == 2


@pytest.mark.parametrize("dead", [0, 1])
def test_the_death_of_one_process_ends_the_others_with_an_error(
    dead: int, bench: Any, llama: Path, group: Group, tmp_path: Path
) -> None:
    spec = Spec("lora", instruction(bench, llama), (bench.trial(**CLIPPED),), tmp_path / "group")
    processes = group.begin(replace(spec, faults={dead: ("killed", 10)}), 3)
    codes = wait(processes, 60)
    assert codes[dead] == -9 and [code for rank, code in enumerate(codes) if rank != dead] == [1, 1]
    assert not spec.result.exists()
    for rank in {0, 1, 2} - {dead}:
        assert "ProcessLost: another of the 3 processes" in Path(f"{spec.result}-{rank}.err").read_text()


def test_a_process_that_hangs_is_not_waited_for_longer_than_the_timeout(
    bench: Any, llama: Path, group: Group, tmp_path: Path
) -> None:
    spec = Spec("lora", instruction(bench, llama), (bench.trial(**CLIPPED),), tmp_path / "pair", answer_seconds=3.0)
    first, _ = group.begin(replace(spec, faults={1: ("hangs", 10)}))
    assert wait([first], 60) == [1]
    assert "ProcessLost" in Path(f"{spec.result}-0.err").read_text()


def test_dropout_masks_are_of_their_own_in_each_trial_process_and_step() -> None:
    seeds = [mask_seed(seed, rank, step) for seed in range(5) for rank in range(5) for step in range(20)]
    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**64 for seed in seeds)
    assert mask_seed(3, 1, 7) == mask_seed(3, 1, 7)


def test_what_cannot_be_divided_is_refused(bench: Any, tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("def objective(params):\n    return 0.0\n")
    task = Task(resources=Resources(processes=2), train=bench.rows(9), validation=bench.rows(3))
    for name in (str(own), "sklearn_classifier"):
        with pytest.raises(ObjectiveError, match="cannot be trained by several processes"):
            open_session(name, replace(task, kind="classification", labels=("a", "b")))
    with pytest.raises(ObjectiveError, match="cannot be trained by several processes"):
        follow(open_session(str(own), Task()))


def test_without_a_place_to_meet_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(ConfigurationError, match="needs a place") as caught:
        Joined(Resources(processes=2))
    assert "MASTER_ADDR" in str(caught.value)
