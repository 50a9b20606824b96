"""What was found out about data and models, in the shape of ``--json``, small and with text that means harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HARM = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"></script><!--\u2028\x1b[31m"
)
LINK = '<a href="javascript:document.title=1">%{x}</a><b>bold</b>'


def spread(values: list[int]) -> dict[str, Any]:
    marks = {f"p{p}": float(sorted(values)[len(values) * p // 100]) for p in (1, 5, 25, 50, 75, 95, 99)}
    ends = {"mean": sum(values) / len(values), "min": min(values), "max": max(values)}
    return {**ends, **marks, "histogram": {"edges": [0, 10, 20, 30, 400], "counts": [4, 30, 12, 2]}}


def check(value: float | None, flagged: int, verdict: str, what: str) -> dict[str, Any]:
    return {"value": value, "ci_low": None, "ci_high": None, "flagged": flagged, "verdict": verdict, "what": what}


def finding(name: str, row: str, text: str, **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("partner", "partner_file", "partner_text", "label", "partner_label"))
    return {"check": name, "id": row, "text": text, "evidence": {}, **empty, **more}


@pytest.fixture
def data_found() -> dict[str, Any]:
    """Rows with a near copy, an address, damaged characters and labels that are no labels."""
    mail = "write to jane.doe@example.org today"
    return {
        "file": f"tickets{HARM}.jsonl",
        "against": "test.jsonl",
        "rows": 480,
        "against_rows": 60,
        "format": "classification",
        "fingerprint": "9f2c" * 16,
        "statistics": {
            "words": spread(list(range(5, 40))),
            "characters": spread(list(range(20, 300))),
            "tokens": None,
            "classes": {"billing": 300, "bugs": 170, HARM: 6, LINK: 4},
            "vocabulary": {"size": 812, "richness": 0.71, "zipf_exponent": 1.04, "top": [["the", 90], [HARM, 5]]},
        },
        "checks": {
            "near_duplicates": check(0.161, 77, "failed", "share of rows that nearly repeat an earlier one"),
            "personal_data": check(0.002, 1, "look", "share of rows with an e-mail address"),
            "encoding": check(0.002, 1, "look", "share of rows with damaged characters"),
            "truncated": check(None, 0, "not run", "no model is named; --model NAME --max-length N"),
        },
        "gates": [
            {
                "name": "max_near_duplicate_ratio",
                "threshold": 0.05,
                "value": 0.161,
                "passed": False,
                "check": "near_duplicates",
                "what": "share of rows that nearly repeat an earlier one",
            }
        ],
        "findings": [
            finding(
                "near_duplicates",
                HARM,
                f"my invoice is wrong {HARM}",
                partner="8",
                partner_text=f"my invoice was wrong {HARM}",
                label="billing",
                partner_label=HARM,
                evidence={"kind": "near_duplicate", "similarity": 0.91, HARM: HARM},
            ),
            finding("near_duplicates", "11", mail, partner="12", partner_text=f"{mail}, please"),
            finding(
                "personal_data",
                "11",
                mail,
                evidence={"kind": "email", "span": [9, 29], "piece": mail[9:29], "pieces": [["email", 9, 29]]},
            ),
            finding("encoding", "13", "Ein schÃ¶ner KÃ¤se", evidence={"kind": "mojibake", "fixed": "Ein schöner Käse"}),
        ],
        "findings_total": {"near_duplicates": 77, "personal_data": 1, "encoding": 1},
        "preprocessing": {
            "metric": "macro_f1",
            "folds": 5,
            "rows": 480,
            "original": {"value": 0.713, "ci_low": 0.69, "ci_high": 0.73},
            "strategies": [strategy("lowercase", 0.02, "helps"), strategy(HARM, -0.03, "hurts")],
        },
        "label_noise": {
            "estimate": 0.06,
            "ci_low": 0.05,
            "ci_high": 0.072,
            "method": "out-of-fold probabilities, confident learning",
            "ranked": [{"id": "4", "label": HARM, "suggested": LINK, "margin": 0.93, "text": HARM}],
        },
        "learning_curve": [
            {"rows": rows, "value": value, "ci_low": value - 0.05, "ci_high": value + 0.05}
            for rows, value in ((50, 0.4), (100, 0.5), (200, 0.6), (400, 0.7))
        ],
        "drift": {
            "features": [
                {
                    "name": name,
                    "test": "Kolmogorov-Smirnov",
                    "statistic": statistic,
                    "p_value": p,
                    "p_adjusted": p,
                    "reference": 70.0,
                    "new": 50.0,
                }
                for name, statistic, p in (("words", 0.2, 0.0001), (LINK, 0.02, 0.7))
            ],
            "classifier": {"auc": 0.81, "ci_low": 0.78, "ci_high": 0.84, "p_value": 0.001, "permutations": 999},
            "verdict": "inputs moved",
            "sentence": "Quality is unknown: label about 400 of the new rows to tell.",
            "unlike": [{"id": "2", "score": 0.98, "text": HARM}],
        },
        "fixed": {
            "file": "tickets.fixed.jsonl",
            "log": "tickets.fixed.log.csv",
            "rows_before": 480,
            "rows_after": 403,
            "changes": {"near_duplicate": 77},
            "before": {"near_duplicates": 0.161},
            "after": {"near_duplicates": 0.0},
        },
        "changed": {"added": 4, "removed": [HARM]},
        "next": [
            "hpo check-data tickets.jsonl --gate max_near_duplicate_ratio=.2",
            "hpo check-data tickets.jsonl --fix",
        ],
    }


def strategy(name: str, difference: float, verdict: str) -> dict[str, Any]:
    ends = {"difference_low": difference - 0.01, "difference_high": difference + 0.01}
    scores = {"value": 0.713 + difference, "ci_low": 0.69, "ci_high": 0.74, "difference": difference, **ends}
    tests = {"p_value": 0.001, "p_adjusted": 0.002, "verdict": verdict, "reason": "", "rows_changed": 210}
    return {"name": name, "transforms": [name], **scores, **tests}


@pytest.fixture
def validation_found() -> dict[str, Any]:
    """Three models on two data sets, one of each with a name that means harm; 30 rows on which they disagree."""
    models, datasets, labels = ["base", "tuned", HARM], ["news", LINK], ["sports", "music", HARM]
    found: dict[str, Any] = {
        "name": "news",
        "baseline": "base",
        "settings": {
            "confidence": 0.95,
            "resamples": 10000,
            "correction": "holm",
            "equivalence_margin": None,
            "seed": 0,
        },
        "models": [{"name": name, "kind": "folder", "source": HARM, "parameters": 1000} for name in models],
        "datasets": [
            {
                "name": name,
                "task": "classification",
                "rows": 300,
                "labels": labels,
                "groups": None,
                "fingerprint": "ab12" * 16,
                "primary": "macro_f1",
                "text_column": "text",
            }
            for name in datasets
        ],
        "ranks": {
            "mean_ranks": {"base": 2.5, "tuned": 1.0, HARM: 2.5},
            "friedman_p": None,
            "critical_difference": None,
            "sentence": "Two data sets are too few for a test of ranks.",
            "pairs": [],
        },
        "front": [
            {"model": name, "quality": quality, "cost": cost, "unit": "seconds for 1,000 rows", "on_front": on}
            for name, quality, cost, on in (
                ("base", 0.5, 3.0, True),
                ("tuned", 0.7, 4.0, True),
                (HARM, 0.4, 5.0, False),
            )
        ],
        "errors": [disagreement(place, models, datasets[place % 2]) for place in range(30)],
        "errors_total": 30,
        "ratings": {
            "dimensions": [
                {"dimension": "fluency", "model": name, "mean": 3.5, "ci_low": 3.1, "ci_high": 3.9, "raters": 3}
                for name in models
            ],
            "agreement": [{"dimension": "fluency", "alpha": 0.71, "ci_low": 0.6, "ci_high": 0.8, "level": "ordinal"}],
        },
        "refused": [f"{HARM} and base: chosen by these rows"],
        "warnings": [],
        "verdict": ["tuned is better than base on news: macro_f1 +.2 [+.15, +.25], p < .001 (Holm)", HARM],
        "environment": {"python": "3.11.9", "hpo": HARM},
        "scores": [],
        "comparisons": [],
    }
    found.update({name: [] for name in ("confidence", "roc", "confusion", "reliability", "cost")})
    for dataset in datasets:
        for place, model in enumerate(models):
            _add(found, {"model": model, "dataset": dataset}, place, labels)
    return found


def _add(found: dict[str, Any], named: dict[str, str], place: int, labels: list[str]) -> None:
    value = 0.5 + 0.1 * place
    scored = {**named, "value": value, "ci_low": value - 0.05, "ci_high": value + 0.05, "n": 300, "reason": ""}
    for metric, direction in (("macro_f1", "maximize"), ("log_loss", "minimize")):
        row = {**scored, "metric": metric, "method": "bootstrap", "direction": direction, "subgroup": None}
        found["scores"].append(row)
    part = {**scored, "metric": "macro_f1", "method": "bootstrap", "direction": "maximize", "subgroup": f"kind={HARM}"}
    found["scores"].append(part)
    if place:
        for subgroup in (None, f"kind={HARM}"):
            found["comparisons"].append(comparison(named, (None, 0.2, -0.1)[place], subgroup))
    sure = {"edges": [0.0, 0.5, 1.0], "right": [3, 200], "wrong": [40, 57]}
    covered = [[0.5, 0.9], [1.0, value]]
    found["confidence"].append({**named, "histogram": sure, "mean_right": 0.8, "mean_wrong": 0.5, "coverage": covered})
    found["roc"] += [{**named, "label": name, "fpr": [0, 0.5, 1], "tpr": [0, 0.8, 1], "auc": 0.65} for name in labels]
    found["confusion"].append({**named, "labels": labels, "counts": [[80, 10, 10], [5, 90, 5], [0, 0, 100]]})
    found["reliability"].append({**named, "bins": [[0, None, None], [150, 0.6, 0.5], [150, 0.9, 0.95]], "ece": 0.07})
    cost = {"seconds": 3.2, "peak_memory_gb": 1.5, "tokens_per_second": None, "cost_usd": None}
    found["cost"].append({**named, **cost, "latency_p50_ms": 8.1, "latency_p95_ms": 9.9, "latency_p99_ms": 12.0})


def comparison(named: dict[str, str], difference: float | None, subgroup: str | None) -> dict[str, Any]:
    assert difference is not None
    return {
        "a": named["model"],
        "b": "base",
        "dataset": named["dataset"],
        "metric": "macro_f1",
        "subgroup": subgroup,
        "method": "paired bootstrap",
        "n": 300,
        "difference": difference,
        "ci_low": difference - 0.05,
        "ci_high": difference + 0.05,
        "p_value": 0.0001,
        "p_adjusted": 0.0004,
        "effect_size": {"name": "cohen_h", "value": 0.4, "ci_low": 0.2, "ci_high": 0.6},
        "verdict": "better",
        "reason": HARM,
        "minimum_detectable_effect": 0.06,
        "seeds": 1,
        "groups": None,
        "warnings": [],
    }


def disagreement(place: int, models: list[str], dataset: str) -> dict[str, Any]:
    """Row ``place``: tuned is right unless ``place`` is a multiple of 3, the others the other way round."""
    right = {name: (place % 3 != 0) == (name == "tuned") for name in models}
    text = f"row number {place} {HARM if place == 1 else 'about a goal' if place < 10 else ''}"
    said = {name: "sports" if right[name] else HARM for name in models}
    return {
        "dataset": dataset,
        "id": f"r{place}",
        "text": text,
        "reference": "sports",
        "outputs": said,
        "right": right,
        "group": None,
    }


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless browser, started once for the tests of a file."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("chromium_driver", Path(__file__).with_name("chromium.py"))
    assert spec is not None and spec.loader is not None
    driver = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(driver)
    with driver.Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
