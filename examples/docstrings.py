"""Rows for the quickstart: from which package of the standard library does a docstring come?

Built from the sources of the Python that runs it (read, never imported). A row is the first sentence of a docstring, at
most 16 words, with the names of its package masked; near copies share a group, so that no split divides them.

``comments`` asks the same of the comments in those packages: other text, the same classes, none of it trained on.

    python examples/docstrings.py        shows some rows, and how many there are of each class
"""

from __future__ import annotations

import ast
import hashlib
import re
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

# Each has a hundred docstrings and more, and is part of every installation (distributions ship tkinter apart).
PACKAGES = {
    "asyncio": "asyncio",
    "decimal": "_pydecimal.py",
    "email": "email",
    "importlib": "importlib",
    "logging": "logging",
    "multiprocessing": "multiprocessing",
    "tarfile": "tarfile.py",
    "turtle": "turtle.py",
    "unittest": "unittest",
    "xml": "xml",
}
PER_CLASS = 140
SHORTEST, LONGEST = 4, 16  # words of a row
MASK = "it"


def rows() -> Iterator[dict[str, str]]:
    """Rows {id, text, label, group}, the same for the same Python version."""
    yield from drawn(sentences)


def comments() -> Iterator[dict[str, str]]:
    """Rows of the same form from comments."""
    yield from drawn(remarks)


def drawn(read: Callable[[str], Iterator[tuple[str, str]]]) -> Iterator[dict[str, str]]:
    """At most PER_CLASS texts of each package, and the copies among them by group."""
    for label in PACKAGES:
        found = dict(read(label))
        groups = copies(list(found.values()))
        chosen = sorted(found, key=lambda name: hashlib.blake2b(name.encode()).digest())[:PER_CLASS]
        for name in sorted(chosen):
            yield {"id": name, "text": found[name], "label": label, "group": f"{label}/{groups[found[name]]}"}


def sentences(package: str) -> Iterator[tuple[str, str]]:
    """Where a docstring stands and its masked first sentence, unless that is short or has been there before."""
    modules = {path: ast.parse(path.read_text("utf-8")) for path in files(package)}
    hidden = names(package, modules)
    seen: set[str] = set()
    for path, tree in modules.items():
        for place, node in documented(tree, ".".join(path.relative_to(root()).with_suffix("").parts)):
            words = first_sentence(ast.get_docstring(node) or "").split()
            text = " ".join(masked(word, package, hidden) for word in words[:LONGEST])
            if len(words) >= SHORTEST and text.lower() not in seen:
                seen.add(text.lower())
                yield place, text


def remarks(package: str) -> Iterator[tuple[str, str]]:
    """Where a comment of its own lines stands and its masked first sentence, unless that is short or a repetition."""
    modules = {path: ast.parse(path.read_text("utf-8")) for path in files(package)}
    hidden = names(package, modules)
    seen: set[str] = set()
    for path in modules:
        for line, comment in blocks(path):
            words = first_sentence(comment).split()
            text = " ".join(masked(word, package, hidden) for word in words[:LONGEST])
            if len(words) >= SHORTEST and text.lower() not in seen:
                seen.add(text.lower())
                yield f"{'.'.join(path.relative_to(root()).with_suffix('').parts)}#{line}", text


def blocks(path: Path) -> Iterator[tuple[int, str]]:
    """Comments that have lines to themselves, those of neighbouring lines as one, with the first line's number."""
    block: list[str] = []
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), ""], 1):
        if line.lstrip().startswith("# "):
            block.append(line.lstrip()[2:])
        elif block:
            yield number - len(block), " ".join(block)
            block = []


def root() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def files(package: str) -> list[Path]:
    path = root() / PACKAGES[package]
    return [path] if path.is_file() else sorted(p for p in path.rglob("*.py") if not {"test", "tests"} & set(p.parts))


def documented(node: ast.AST, place: str) -> Iterator[tuple[str, ast.AST]]:
    """All that can have a docstring, with its dotted name."""
    yield place, node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from documented(child, f"{place}.{child.name}:{child.lineno}")


def names(package: str, modules: dict[Path, ast.Module]) -> set[str]:
    """Names of a package's modules, classes and functions, but for functions named by a plain word (close, send)."""
    found = {path.stem for path in modules}
    for tree in modules.values():
        for node in ast.walk(tree):
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if isinstance(node, ast.ClassDef) or (function and not node.name.isalpha()):
                found.add(node.name)
    return found


def first_sentence(text: str) -> str:
    paragraph = text.strip().split("\n\n")[0]
    return re.split(r"(?<=[.!?])\s", " ".join(paragraph.split()))[0]


def masked(word: str, package: str, hidden: set[str]) -> str:
    """A word whose parts that are names read MASK; the package's own name in any case and number."""
    own = re.compile(rf"{package}(e?s)?", re.IGNORECASE)
    return re.sub(r"\w+", lambda part: MASK if part[0] in hidden or own.fullmatch(part[0]) else part[0], word)


def copies(texts: list[str]) -> dict[str, int]:
    """Number of the group of each text: texts that share four fifths of their words are in one."""
    index: dict[str, list[int]] = defaultdict(list)
    groups: list[int] = []
    sets = [frozenset(re.findall(r"\w+", text.lower())) for text in texts]
    for number, words in enumerate(sets):
        shared = Counter(other for word in words for other in index[word])
        near = [other for other, count in shared.items() if count >= 0.8 * len(words | sets[other])]
        groups.append(groups[min(near)] if near else number)
        for word in words:
            index[word].append(number)
    return dict(zip(texts, groups, strict=True))


if __name__ == "__main__":
    for made in (list(rows()), list(comments())):
        for row in made[:: len(made) // 20]:
            print(f"{row['label']:16} {row['text']}")
        print(f"{len(made)} rows:", dict(Counter(row["label"] for row in made)))
