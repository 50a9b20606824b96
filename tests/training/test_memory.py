"""Memory as arithmetic."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hpo.training.memory import GIB, choose_micro_batch, predict_memory, recalibrate, trained_values

COEFFICIENTS = {
    "base_gb": 2.0,
    "limit_gb": 10.0,
    "slope_bytes": 0.01 * GIB,
    "logits_bytes": 0.0,
    "learnt": 0.0,
    "longest": 400.0,
    "sizes.q_proj": 1000.0,
    "outputs.q_proj": 400.0,
    "sizes.v_proj": 600.0,
    "outputs.v_proj": 200.0,
    "head": 50.0,
    "full": 0.0,
}


def test_memory_is_linear_in_the_tokens_of_one_row() -> None:
    assert predict_memory(COEFFICIENTS, {"max_length": 100}) == pytest.approx(3.0, abs=1e-3)
    assert predict_memory(COEFFICIENTS, {"max_length": 200}) == pytest.approx(4.0, abs=1e-3)
    assert predict_memory(COEFFICIENTS, {"max_length": 4000}) == pytest.approx(
        6.0, abs=1e-3
    )  # no row has more than 400


def test_the_effective_batch_plays_no_part_until_micro_batches_are_fixed() -> None:
    small, large = ({"max_length": 100, "batch_size": size} for size in (4, 64))
    assert predict_memory(COEFFICIENTS, small) == predict_memory(COEFFICIENTS, large)
    assert predict_memory(COEFFICIENTS, {**large, "micro_batch_size": 4}) == pytest.approx(6.0, abs=1e-3)


def test_logits_count_at_learnt_tokens_only() -> None:
    found = {**COEFFICIENTS, "logits_bytes": 0.1 * GIB, "learnt": 5.0}
    assert predict_memory(found, {"max_length": 100}) == pytest.approx(3.5, abs=1e-3)


@pytest.mark.parametrize(("batch", "rows"), [(4, 4), (7, 7), (8, 8), (16, 8), (64, 8)])
def test_micro_batches_are_the_largest_power_of_two_that_fits(batch: int, rows: int) -> None:
    assert choose_micro_batch(COEFFICIENTS, {"max_length": 99, "batch_size": batch}) == rows


def test_at_least_one_row_is_tried() -> None:
    assert choose_micro_batch({**COEFFICIENTS, "limit_gb": 1.0}, {"batch_size": 8}) == 1


def test_trained_values_follow_rank_method_and_targets() -> None:
    assert trained_values(COEFFICIENTS, {"lora_rank": 2}) == 2 * 1600 + 50
    assert trained_values(COEFFICIENTS, {"lora_rank": 2, "method": "dora"}) == 2 * 1600 + 600 + 50
    assert trained_values(COEFFICIENTS, {"lora_rank": 2, "target_modules": ("q_proj",)}) == 2 * 1000 + 50
    assert trained_values({**COEFFICIENTS, "full": 7e6}, {"lora_rank": 2}) == 7e6


def test_after_an_out_of_memory_the_configuration_no_longer_fits_and_smaller_ones_do() -> None:
    failed = {"max_length": 300, "lora_rank": 8}
    assert predict_memory(COEFFICIENTS, failed) < 10
    corrected = recalibrate(COEFFICIENTS, failed)
    assert predict_memory(corrected, failed) > corrected["limit_gb"]
    assert predict_memory(corrected, {"max_length": 200, "lora_rank": 8}) < corrected["limit_gb"]
    assert recalibrate(corrected, failed) == corrected


def test_the_prediction_imports_no_torch() -> None:
    code = "import sys, hpo.training.memory; print('torch' in sys.modules, 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == [
        "False",
        "False",
    ]
