"""Our side of `ray_overhead` with marks of the wall clock: the same command, started by it in a process of its own.

    python -m benchmarks.ray_overhead_parts study.yaml

Prints one JSON object on its last line: when each part began or ended.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from hpo.run import main as run

_marks: dict[str, float] = {}


def mark(name: str, *, first: bool = False) -> None:
    """Note the time; the first or the last of several."""
    if not (first and name in _marks):
        _marks[name] = time.time()


def around(owner: Any, name: str, before: str, after: str) -> None:
    """Mark the begin and the end of a function."""
    inner: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(inner)
    def timed(*arguments: Any, **keywords: Any) -> Any:
        mark(before, first=True)
        found = inner(*arguments, **keywords)
        mark(after)
        return found

    setattr(owner, name, timed)


def main() -> int:
    """Run and print."""
    from hpo.records import Journal
    from hpo.runners import ray_cluster

    around(ray_cluster.Cluster, "__init__", "connecting", "connected")
    around(ray_cluster, "_connect", "imported", "connected")
    around(ray_cluster.Cluster, "close", "closing", "closed")
    append = Journal.append

    def marked(self: Journal, event: Any) -> Any:
        if event["event"] == "ask":
            mark("first_ask", first=True)
        found = append(self, event)
        if event["event"] == "tell":
            mark("first_tell", first=True)
            mark("last_tell")
        return found

    Journal.append = marked  # type: ignore[method-assign]
    with contextlib.redirect_stdout(io.StringIO()):
        code = run([*sys.argv[1:], "--json"])
    print(json.dumps(_marks))
    return code


if __name__ == "__main__":
    sys.exit(main())
