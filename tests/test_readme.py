"""What the README shows is true: its commands exist, its study files load, its Python compiles against this package."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpo.commands import COMMANDS, main
from hpo.config.load import load_text
from hpo.validation.load import load_text as load_validation

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf8")


def blocks(*languages: str) -> Iterator[tuple[int, str]]:
    """Fenced blocks of the README in these languages, with the line they begin at."""
    for found in re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        if found[1] in languages:
            yield README[: found.start()].count("\n") + 2, found[2]


def commands() -> Iterator[tuple[int, list[str]]]:
    """Words of every command line: in shell blocks, in indented blocks, and between backticks."""
    outside = re.sub(r"^```.*?^```$", lambda found: "\n" * found[0].count("\n"), README, flags=re.MULTILINE | re.DOTALL)
    fenced = [(start + i, line) for start, text in blocks("sh") for i, line in enumerate(text.splitlines())]
    indented = [(i, line) for i, line in enumerate(outside.splitlines(), 1) if line.startswith("    ")]
    spans = [(outside[: m.start()].count("\n") + 1, m[1]) for m in re.finditer(r"`([^`]+)`", outside)]
    for number, line in (*fenced, *indented, *spans):
        match = re.match(r"(\$ )?(\.venv/bin/)?(hpo [a-z]|scripts/|python -m |pip )", line.strip())
        if match:
            yield number, shlex.split(line.strip()[match.start(3) :], comments=True)


COMMAND_LINES = list(commands())
YAML = list(blocks("yaml"))
VALIDATIONS = [(line, text) for line, text in YAML if "datasets:" in text]
STUDIES = [block for block in YAML if block not in VALIDATIONS]
REST = {
    "study": "study: part\ntask: classification\nmodel: owner/name\ndata: {train: rows.jsonl}\n",
    "search_space": "search_space: lora\n",
    "objectives": "objectives: [{metric: accuracy, direction: maximize}]\n",
}
PYTHON = list(blocks("python"))


def test_the_readme_shows_both_commands() -> None:
    shown = {words[0] for _, words in COMMAND_LINES}
    assert {"scripts/run", "scripts/test"} <= shown


@pytest.mark.parametrize(("line", "words"), COMMAND_LINES, ids=[f"line-{line}" for line, _ in COMMAND_LINES])
def test_every_command_of_the_readme_exists(line: int, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if words[0] == "hpo":
        # given a verb and its options, then its help knows both
        with pytest.raises(SystemExit) as ended:
            main([words[1], "--help"])
        shown = capsys.readouterr().out
        assert ended.value.code == 0
        assert words[1] in COMMANDS
        assert [word for word in words[2:] if word.startswith("--") and word.partition("=")[0] not in shown] == []
    # and the modules and files of the project that it names are there
    if words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]) or (ROOT / words[2].replace(".", "/")).with_suffix(".py").is_file()
    own = [word for word in words if word.startswith(("scripts/", "examples/", "benchmarks/"))]
    assert [word for word in own if not (ROOT / word).exists()] == []


@pytest.mark.parametrize(("line", "text"), STUDIES, ids=[f"line-{line}" for line, _ in STUDIES])
def test_every_study_of_the_readme_loads(line: int, text: str, tmp_path: Path) -> None:
    # given the text, what a part of a study leaves out, and the files it names
    study = text + "".join(rest for key, rest in REST.items() if not re.search(rf"^{key}:", text, re.MULTILINE))
    for name in re.findall(r"[\w./-]+\.(?:jsonl|csv|parquet|py|txt)\b", study):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    # then it is a valid study
    assert load_text(study, f"README.md:{line}", tmp_path).search_space


@pytest.mark.parametrize(("line", "text"), VALIDATIONS, ids=[f"line-{line}" for line, _ in VALIDATIONS])
def test_every_validation_of_the_readme_loads(line: int, text: str, tmp_path: Path) -> None:
    # given the text, and the run folder and rows that it names
    (tmp_path / "runs" / "quickstart").mkdir(parents=True)
    (tmp_path / "docstrings.py").write_text("")
    # then it is a valid validation
    assert load_validation(text, f"README.md:{line}", tmp_path).datasets


def test_every_link_within_the_project_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(("line", "text"), PYTHON, ids=[f"line-{line}" for line, _ in PYTHON])
def test_every_import_in_the_readme_works(line: int, text: str) -> None:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hpo"):
            module = importlib.import_module(node.module or "")
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hpo":
            assert hasattr(importlib.import_module("hpo"), node.attr), f"hpo has no {node.attr}"
