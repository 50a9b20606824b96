"""How long a command takes to say something: help, and what is wrong with a study file.

    python -m benchmarks.startup           every command ten times in a fresh process, in turns; under a minute
    python -m benchmarks.startup --json    the same as one JSON object

`optuna --help` and `python -c pass` stand beside them: a peer's command, and what no Python program can go below.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import common

TARGET = 0.5  # seconds, `hpo --help`

STUDY = """
study: startup
objective: mine.py
search_space:
  x: {type: uniform, low: 0, high: 1}
objectives: [{metric: loss, direction: minimize}]
"""
MODEL = """
study: startup
task: classification
model: {model}
data: {{train: {data}}}
search_space: lora
objectives: [{{metric: {metric}, direction: maximize}}]
"""
ROWS = "".join(f'{{"text": "row {i} speaks of {i % 2}", "label": "{i % 2}"}}\n' for i in range(200))


def files(folder: Path) -> None:
    """Study files, each with one kind of fault, and a sound one."""
    (folder / "mine.py").write_text("def objective(params):\n    return {'loss': params['x']}\n", encoding="utf8")
    (folder / "rows.jsonl").write_text(ROWS, encoding="utf8")
    (folder / "no-model").mkdir()
    written = {
        "sound": STUDY,
        "not-yaml": STUDY + "budget: [unclosed\n",
        "twice": STUDY + "study: again\n",
        "unknown-key": STUDY + "budjet: {trials: 3}\n",
        "space": STUDY.replace("low: 0, high: 1", "low: 1, high: 0"),
        "no-data": MODEL.format(model="no-model", data="absent.jsonl", metric="accuracy"),
        "metric": MODEL.format(model="no-model", data="rows.jsonl", metric="acuracy"),
        "no-model": MODEL.format(model="no-model", data="rows.jsonl", metric="accuracy"),
    }
    for name, text in written.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf8")


def commands(folder: Path) -> dict[str, tuple[list[str], int]]:
    """What is typed, and the exit code it ends with."""
    scripts = Path(sysconfig.get_path("scripts"))

    def dry(name: str) -> list[str]:
        return [sys.executable, "-m", "hpo.run", str(folder / f"{name}.yaml"), "--dry-run"]

    return {
        "hpo --help": ([str(scripts / "hpo"), "--help"], 0),
        "hpo run --help": ([str(scripts / "hpo"), "run", "--help"], 0),
        "optuna --help": ([str(scripts / "optuna"), "--help"], 0),
        "python -c pass": ([sys.executable, "-c", "pass"], 0),
        "--dry-run, file is not there": (dry("absent"), 2),
        "--dry-run, not YAML": (dry("not-yaml"), 2),
        "--dry-run, a key twice": (dry("twice"), 2),
        "--dry-run, unknown key": (dry("unknown-key"), 2),
        "--dry-run, low above high": (dry("space"), 2),
        "--dry-run, unknown metric": (dry("metric"), 2),
        "--dry-run, data file is not there": (dry("no-data"), 2),
        "--dry-run, folder is not a model": (dry("no-model"), 2),
        "--dry-run, sound study of a function": (dry("sound"), 0),
    }


def seconds(command: Sequence[str], code: int, folder: Path) -> float:
    """Wall time of one run of a command.

    Raises:
        RuntimeError: it ended with another exit code, or with a traceback.
    """
    began = time.perf_counter()
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    spent = time.perf_counter() - began
    if ended.returncode != code or "Traceback" in ended.stderr:
        raise RuntimeError(f"{' '.join(command)}: exit code {ended.returncode}, not {code}\n{ended.stderr}")
    return spent


def measure(folder: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Every command ``repeats`` times, in turns; the first round warms the file cache and is not counted."""
    files(folder)
    found: dict[str, list[float]] = {name: [] for name in commands(folder)}
    for repeat in range(repeats + 1):
        common.note(f"round {repeat} of {repeats}")
        for name, (command, code) in commands(folder).items():
            spent = seconds(command, code, folder)
            if repeat:
                found[name].append(spent)
    return {name: common.spread(values) for name, values in found.items()}


def draw(result: Mapping[str, Any]) -> None:
    """The table for people."""
    found = result["seconds"]
    peer = found["optuna --help"]["median"]
    common.table(
        f"Wall time of a command, {result['repeats']} runs each: median (least-greatest), seconds",
        ("command", "seconds", "this / optuna --help"),
        [(name, common.shown(v, digits=2), f"{v['median'] / peer:.2f}") for name, v in found.items()],
    )
    mine = found["hpo --help"]["median"]
    print(f"\ntarget: hpo --help at most {TARGET} s: {'met' if mine <= TARGET else 'MISSED'}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10, help="runs of each command")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "benchmark": "startup",
            "machine": common.machine(1, ("hpo", "optuna", "pydantic", "pyyaml")),
            "repeats": arguments.repeats,
            "target_seconds": TARGET,
            "seconds": measure(Path(folder), arguments.repeats),
        }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())
