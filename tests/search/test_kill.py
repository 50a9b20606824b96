"""A study that is killed with SIGKILL, anywhere, ends with the table of an undisturbed one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_no_trial_is_lost_left_running_or_run_twice(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kill_resume", "--quick"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cases = json.loads(done.stdout)["cases"]
    assert len(cases) == 3
    for case in cases:
        assert case["equal_after_random_kills"] and case["equal_after_write_kills"] and case["all_told"]
        assert case["random_kills"] >= 2
        hit, of = map(int, case["write_kills"].split(" of "))
        assert hit >= of - 2
