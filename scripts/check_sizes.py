#!/usr/bin/env python3
"""Check that nothing has grown too big and that no imports turn in a circle: python scripts/check_sizes.py

Exit status 1 where a module, a function or an argument list is over its limit. Sizes are a smell detector: what is over
a limit usually does two things.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("hpo", "objectives")
MODULE_LINES = 300
FUNCTION_LINES = 50
PARAMETERS = 5
CONSTRUCTOR_PARAMETERS = 7
PACKAGE_DEPTH = 2  # hpo/training/x.py is at depth 2

# Declarative tables: long because the thing they list is long.
TABLES: frozenset[str] = frozenset()

Function = ast.FunctionDef | ast.AsyncFunctionDef
Graph = dict[str, set[str]]


def parameters(function: Function) -> int:
    """How many arguments a caller has to know of; those of an autograd function (first one `ctx`) are its tensors."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return 0 if names[:1] == ["ctx"] else len(set(names) - {"self", "cls"})


def size_faults(path: str, text: str) -> Iterator[str]:
    """Everything in one module that is over its limit."""
    lines = len(text.splitlines())
    if lines > MODULE_LINES and path not in TABLES:
        yield f"{path}: {lines} lines, at most {MODULE_LINES}"
    if len(Path(path).parts) > PACKAGE_DEPTH + 1:
        yield f"{path}: packages nested deeper than {PACKAGE_DEPTH}"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, Function):
            continue
        place = f"{path}:{node.lineno} {node.name}"
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield f"{place}: {length} lines, at most {FUNCTION_LINES}"
        limit = CONSTRUCTOR_PARAMETERS if node.name == "__init__" else PARAMETERS
        if parameters(node) > limit:
            yield f"{place}: {parameters(node)} parameters, at most {limit}"


def module_name(path: Path) -> str:
    """Dotted name of a source file, from the project's root."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> set[str]:
    """Names a module imports, those of `from a import b` as both a and a.b."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def import_graph(texts: dict[str, str]) -> Graph:
    """Module name -> names of the project's modules that it imports."""
    trees = {module_name(Path(path)): ast.parse(text) for path, text in texts.items()}
    return {name: {n for n in imports(tree) if n in trees and n != name} for name, tree in trees.items()}


def reachable(graph: Graph, start: str) -> set[str]:
    """Modules that importing ``start`` leads to, one import or more away."""
    seen: set[str] = set()
    open_ = list(graph[start])
    while open_:
        module = open_.pop()
        if module not in seen:
            seen.add(module)
            open_ += graph[module]
    return seen


def cycles(graph: Graph) -> list[list[str]]:
    """Groups of modules that import one another in a circle, each group once."""
    reach = {module: reachable(graph, module) for module in graph}
    groups = {
        tuple(sorted(m for m in reach[module] if module in reach[m])) for module in graph if module in reach[module]
    }
    return [list(group) for group in sorted(groups)]


def main() -> int:
    """Print every fault; 1 where there is one."""
    paths = sorted(path for source in SOURCES for path in (ROOT / source).rglob("*.py"))
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf8") for path in paths}
    faults = [fault for path, text in texts.items() for fault in size_faults(path, text)]
    faults += ["import cycle: " + " - ".join(group) for group in cycles(import_graph(texts))]
    print("\n".join(faults) if faults else f"{len(texts)} modules within their limits")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
