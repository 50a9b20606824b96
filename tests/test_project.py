"""Claims about the project as a whole: exports, installation, what is loaded when, and examples that load."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import hpo
from hpo.checks.config import load_config as load_checks
from hpo.config.load import load
from hpo.validation.load import load as load_validation

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
HEAVY = {"torch", "transformers", "peft", "ray", "pandas", "optuna", "sklearn", "scipy"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh Python has loaded after running ``code``."""
    report = "import sys; print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


def imports(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports."""
    tree = ast.parse(path.read_text("utf8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}


def test_the_version_is_that_of_the_project() -> None:
    assert hpo.__version__ == PROJECT["project"]["version"]


def test_the_public_names_are_these_and_all_there() -> None:
    # a name is added here when it is meant for users, and leaves only in a new major version
    assert sorted(hpo.__all__) == ["__version__", "check_data", "load", "run", "validate"]
    assert all(getattr(hpo, name) is not None for name in hpo.__all__)


def test_every_package_of_the_tree_is_installed() -> None:
    # given the packages on disk, two of which lie beside hpo/
    in_hpo = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "hpo").rglob("__init__.py")}
    # then pyproject.toml lists exactly these, so that a wheel lacks none
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == in_hpo | {"hpo.objectives", "hpo.search_spaces"}


def test_every_ready_objective_is_an_entry_point() -> None:
    offered = PROJECT["project"]["entry-points"]["hpo.objectives"]
    opening = {
        path.stem for path in (ROOT / "objectives").glob("*.py") if "def open_objective" in path.read_text("utf8")
    }
    assert set(offered) == opening
    assert offered == {name: f"hpo.objectives.{name}" for name in offered}


def test_every_pin_is_within_the_range_that_is_asked_for() -> None:
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    extras = PROJECT["project"]["optional-dependencies"].values()
    asked = [Requirement(text) for group in (PROJECT["project"]["dependencies"], *extras) for text in group]
    outside = [str(r) for r in asked if r.name != "hpo" and not r.specifier.contains(pins[r.name.lower()])]
    assert outside == []


def test_every_third_party_import_is_declared() -> None:
    # given what hpo and its objectives import, wherever in a module
    sources = [*(ROOT / "hpo").rglob("*.py"), *(ROOT / "objectives").glob("*.py")]
    used = {name.partition(".")[0] for path in sources for name in imports(path)} - sys.stdlib_module_names - {"hpo"}
    # then pyproject.toml asks for each of them by the name of its distribution
    extras = PROJECT["project"]["optional-dependencies"].values()
    asked = {text for group in (PROJECT["project"]["dependencies"], *extras) for text in group}
    declared = {re.split(r"[\[<>=]", text)[0].lower().replace("_", "-") for text in asked}
    provides = packages_distributions()
    names = {name: {each.lower().replace("_", "-") for each in provides.get(name, [name])} for name in used}
    assert {name: found for name, found in names.items() if not found & declared} == {}


def test_hpo_names_no_objective_or_space_of_its_own() -> None:
    # given that ready objectives and spaces are found by entry point and package resources
    leaves = ("hpo.objectives", "hpo.search_spaces", "objectives", "search_spaces")
    # then no module imports one by name
    named = [
        str(path) for path in (ROOT / "hpo").rglob("*.py") if any(name.startswith(leaves) for name in imports(path))
    ]
    assert named == []


def test_importing_hpo_loads_nothing_heavy() -> None:
    assert loaded_by("import hpo") & HEAVY == set()


def test_help_loads_nothing_heavy() -> None:
    code = "import hpo.commands\ntry:\n    hpo.commands.main(['--help'])\nexcept SystemExit:\n    pass"
    assert loaded_by(code) & HEAVY == set()


def test_a_configuration_error_loads_neither_torch_nor_ray(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("study: x\ntask: classification\nmodel: y\nsearch_space: nowhere\n")
    code = f"import hpo.commands\ntry:\n    hpo.commands.main(['run', {str(study)!r}])\nexcept SystemExit:\n    pass"
    assert loaded_by(code) & {"torch", "transformers", "ray", "optuna"} == set()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads_and_opens_with_the_line_to_type(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an example, then a reader finds out how to run it
    comment = "".join(line for line in path.read_text("utf8").splitlines(keepends=True) if line.startswith("#"))
    assert f"examples/{path.name}" in comment
    # and it is valid; no hub name is looked up for that
    if path.stem.startswith("validate_"):
        (tmp_path / "runs" / "quickstart").mkdir(parents=True)  # of the study that one of them validates
        monkeypatch.chdir(tmp_path)
        assert load_validation(path).datasets
    elif path.stem.startswith("data_"):
        assert load_checks(path).strategies
    else:
        config = load(path)
        assert config.objectives and config.search_space


def test_scripts_open_with_the_line_to_type() -> None:
    for path in sorted((ROOT / "scripts").iterdir()):
        if path.suffix in {".py", ""} and path.is_file():
            opening = "\n".join(path.read_text("utf8").splitlines()[:12])
            assert f"scripts/{path.name}" in opening, f"{path.name} does not say how to call it"


def test_no_file_names_a_machine_or_a_package_host() -> None:
    # given everything that is tracked and text
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    # (spelled in two parts, so that this file does not contain what it looks for)
    forbidden = ["/ro" + "ot/", "/wo" + "rk/", "pypi" + ".org", "files.python" + "hosted", "download.py" + "torch.org"]
    found = []
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".gz", ".parquet", ".zst"}:
            text = path.read_text("utf8", errors="replace")
            found += [f"{name}: {word}" for word in forbidden if word in text]
    assert found == []


def test_a_checkout_without_an_editable_install_finds_its_objectives_and_spaces(root: Path) -> None:
    code = "import hpo.objectives.lora, hpo.search_spaces; print(hpo.objectives.lora.__file__)"
    # given an interpreter that sees no site-packages of the project, only the checkout's folder and the libraries
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    script = f"import sys; sys.path += {libraries!r}; sys.meta_path = sys.meta_path[:3]; {code}"
    done = subprocess.run([sys.executable, "-S", "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(root / "objectives" / "lora.py")
