"""Do the statistics keep their word? Data with a known truth, many times over: false positives, coverage, power.

    python -m benchmarks.calibration           2,000 runs of every setting on one core; about a quarter of an hour
    python -m benchmarks.calibration --quick   200 runs; a minute or two
    python -m benchmarks.calibration --json    the same as one JSON object

Every rate stands with its Monte Carlo standard error. An interval of nominal 95 % should cover 93 to 97 % of the time;
a test at 5 % should reject no more than 5 % of true null hypotheses, within three standard errors.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import common

RUNS, QUICK = 2_000, 200
RESAMPLES = 1_000  # of every bootstrap within a run
COVERAGE = (0.93, 0.97)
ALPHA = 0.05
FAMILY = 5  # comparisons with one baseline
FINE = ("ok", "not to be done, for this reason")


def rate(outcomes: Sequence[bool]) -> dict[str, float]:
    """Share of runs, its Monte Carlo standard error, and how many runs."""
    n = len(outcomes)
    value = sum(outcomes) / n if n else math.nan
    return {"value": value, "error": math.sqrt(max(value * (1 - value), 1e-12) / n) if n else math.nan, "n": n}


def simulate(scenario: Any, runs: int) -> dict[str, Any]:
    """Coverage and rejections of one scenario; runs without an interval are counted, not hidden."""
    import numpy as np

    from hpo.statistics.values import Comparison, Settings

    covered, rejected, without = [], [], 0
    began = time.perf_counter()
    for run in range(runs):
        rng = np.random.default_rng((run, len(scenario.name), sum(map(ord, scenario.name))))
        found = scenario.run(rng, Settings(resamples=RESAMPLES, seed=run))
        if not math.isfinite(found.low):
            without += 1
            continue
        covered.append(found.low <= scenario.truth <= found.high)
        if isinstance(found, Comparison) and found.p_value is not None:
            rejected.append(found.p_value <= ALPHA)
    result: dict[str, Any] = {"name": scenario.name, "seconds": time.perf_counter() - began, "without": without}
    result["coverage"] = rate(covered)
    result["false_positives"] = rate(rejected) if scenario.null else None
    result["power"] = rate(rejected) if rejected and not scenario.null else None
    result["textbook"] = scenario.textbook
    result["refused"], result["conservative"] = scenario.refused, scenario.conservative
    return result


def families(runs: int) -> list[dict[str, Any]]:
    """Family-wise errors of FAMILY comparisons with one baseline, with Holm and without, and false equivalences."""
    import numpy as np

    from hpo.statistics.multiplicity import adjust
    from hpo.statistics.paired import means
    from hpo.statistics.values import Settings

    wrong: dict[str, list[bool]] = {"holm": [], "none": [], "equivalence": []}
    for run in range(runs):
        rng = np.random.default_rng((run, 5))
        baseline = rng.exponential(1, 200)
        made = [means(rng.exponential(1, 200), baseline) for _ in range(FAMILY)]
        for correction in ("holm", "none"):
            found = adjust(made, Settings(correction=correction))  # type: ignore[arg-type]
            wrong[correction].append(any(each.verdict == "better" for each in found))
        shifted = rng.normal(0.2, 1, 200)  # as far apart as the margin: calling them equivalent is the error
        wrong["equivalence"].append(
            means(shifted, np.zeros(200), None, Settings(equivalence_margin=0.2)).verdict == "equivalent"
        )
    names = {
        "holm": f"family-wise error, {FAMILY} comparisons, Holm",
        "none": f"family-wise error, {FAMILY} comparisons, uncorrected",
        "equivalence": "false equivalence, difference at the margin",
    }
    return [
        {"name": names[key], "false_positives": rate(outcomes), "expected": key != "none"}
        for key, outcomes in wrong.items()
    ]


def judged(found: Mapping[str, Any]) -> str:
    """What a row says: ok, or what is out of its bounds beyond Monte Carlo error."""
    if found.get("refused"):
        return "not to be done, for this reason"
    faults = []
    coverage = found.get("coverage")
    if coverage and coverage["value"] < COVERAGE[0] - 2 * coverage["error"]:
        faults.append("covers too little")
    if coverage and coverage["value"] > COVERAGE[1] + 2 * coverage["error"] and not found["conservative"]:
        faults.append("covers too much")
    wrong = found.get("false_positives")
    if (
        wrong
        and found.get("expected", True)
        and wrong["value"] > ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / wrong["n"])
    ):
        faults.append("rejects too often")
    if found.get("textbook") is not None and abs(found["power"]["value"] - found["textbook"]) > 0.05:
        faults.append("power is not the textbook's")
    return ", ".join(faults) or "ok"


def shown(values: Mapping[str, float] | None) -> str:
    """A rate in percent with its standard error."""
    return "" if values is None else f"{100 * values['value']:.1f} ± {100 * values['error']:.1f}"


def draw(result: Mapping[str, Any]) -> None:
    """The tables for people."""
    common.table(
        f"{result['runs']:,} runs a row, {result['resamples']:,} resamples; percent ± Monte Carlo standard error",
        ("method and setting", "covers (95)", "false positives (5)", "power (textbook)", "no interval", "ms a run", ""),
        [
            (
                row["name"],
                shown(row["coverage"]),
                shown(row["false_positives"]),
                shown(row["power"]) + ("" if row["textbook"] is None else f" ({100 * row['textbook']:.0f})"),
                row["without"] or "",
                f"{1000 * row['seconds'] / result['runs']:.1f}",
                judged(row),
            )
            for row in result["scenarios"]
        ],
    )
    common.table(
        "Families of comparisons, paired t, n 200",
        ("what", "rate (5)", ""),
        [(row["name"], shown(row["false_positives"]), judged(row)) for row in result["families"]],
    )
    faults = sum(judged(row) not in FINE for row in (*result["scenarios"], *result["families"]))
    print(f"\n{faults} of {len(result['scenarios']) + len(result['families'])} rows out of bounds")


def main() -> int:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} runs of each setting")
    parser.add_argument("--only", default="", help="settings whose name holds this")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    from benchmarks.calibration_draws import estimates
    from benchmarks.calibration_pairs import comparisons

    runs, found = QUICK if arguments.quick else RUNS, []
    for scenario in (*estimates(), *comparisons()):
        if arguments.only in scenario.name:
            common.note(scenario.name)
            found.append(simulate(scenario, runs))
    result = {
        "benchmark": "calibration",
        "machine": common.machine(1, ("hpo", "numpy", "scipy")),
        "runs": runs,
        "resamples": RESAMPLES,
        "scenarios": found,
        "families": families(runs),
    }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())
