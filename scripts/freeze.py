#!/usr/bin/env python3
"""Write constraints.txt from the environment that scripts/test made: .venv/bin/python scripts/freeze.py

The exact version of all that `.[all,test]` needs. Local tags (`+cpu`) are dropped, so that every build of a
version satisfies its pin. What one system or accelerator alone needs is pinned by the packages that ask for it.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TARGET = Path(__file__).resolve().parent.parent / "constraints.txt"
HEADER = "# Exact versions this project is tested with, for Python 3.11 and 3.12; written by scripts/freeze.py.\n"


def closure(root: str, extras: set[str]) -> dict[str, str]:
    """Version of everything that ``root`` with ``extras`` needs here, without itself, by canonical name."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    open_ = [(root, extra) for extra in ("", *extras)]
    while open_:
        name, extra = open_.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        distribution = metadata.distribution(name)
        found[name] = distribution.version.partition("+")[0]
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                child = canonicalize_name(requirement.name)
                open_ += [(child, e) for e in ("", *requirement.extras)]
    del found[root]
    return found


def main() -> int:
    try:
        pins = closure("hpo", {"all", "test"})
    except metadata.PackageNotFoundError as error:
        print(f"not installed here: {error}; run scripts/test once, then again", file=sys.stderr)
        return 1
    TARGET.write_text(HEADER + "".join(f"{name}=={version}\n" for name, version in sorted(pins.items())))
    print(f"{TARGET.name}: {len(pins)} pins")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
