"""What goes along with a study: the files it names, where their paths hold, and nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import yaml

from hpo.config import load
from hpo.config.draft import Elsewhere
from hpo.config.load import read_draft
from hpo.config.packing import Package, pack, write
from hpo.config.source import own_source
from hpo.errors import ConfigurationError

FUNCTION = "def objective(params):\n    return (params['x'] - 1) ** 2\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a study in it, its data beside it, and things that nobody asked for."""
    for name, text in {
        "home/studies/own.py": FUNCTION,
        "home/studies/space.yaml": "extends: base.yaml\nx: {high: 2}\n",
        "home/studies/base.yaml": "x: {type: uniform, low: -3, high: 3, default: 0}\n",
        "home/studies/secrets.txt": "not to go along",
        "home/data/train.csv": "text,label\n" + "a,1\nb,2\n" * 50,
        "far/test.csv": "text,label\na,1\n",
        "far/metric.py": "",
        "far/model/config.json": "{}",
        "far/model/weights.bin": "w" * 100,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def study(project: Path, **changes: object) -> Path:
    values: dict[str, object] = {
        "study": "toy",
        "objective": "own.py",
        "search_space": "space.yaml",
        "objectives": [{"metric": "accuracy", "direction": "maximize"}],
        "task": "classification" if "data" in changes else "custom",
    }
    path = project / "home" / "studies" / "toy.yaml"
    path.write_text(yaml.safe_dump({**values, **changes}))
    return path


def packed(path: Path, *, shared: tuple[str, ...] = (), **options: object) -> Package:
    draft = read_draft(path.read_text(), str(path), path.parent, (), Elsewhere(shared))
    return pack(draft, path, **options)  # type: ignore[arg-type]


def unpacked(package: Package, folder: Path) -> Path:
    """The study file in the package, unzipped elsewhere."""
    write(package, folder / "package.zip")
    with zipfile.ZipFile(folder / "package.zip") as archive:
        archive.extractall(folder / "there")
    return folder / "there" / package.study


def test_the_study_its_function_and_all_files_of_its_space_go_along_and_nothing_else(project: Path) -> None:
    package = packed(study(project))
    assert [each.name for each in package.files] == ["toy.yaml", "own.py", "space.yaml", "base.yaml"]
    assert package.overrides == ()


def test_a_relative_path_holds_in_the_package(project: Path, tmp_path: Path) -> None:
    # given data in a neighbouring folder
    path = study(project, data={"train": "../data/train.csv"}, objective="own.py")
    package = packed(path)
    # then the package has the two folders as they lie
    assert {each.name for each in package.files} >= {"studies/toy.yaml", "data/train.csv"}
    assert package.overrides == ()
    # and the packed study reads the packed file
    there = unpacked(package, tmp_path)
    config = load(there)
    assert config.data is not None and config.data.train == str(tmp_path / "there/data/train.csv")


def test_an_absolute_path_is_packed_and_the_study_is_told_where(project: Path, tmp_path: Path) -> None:
    # given files far from the study, named by absolute paths, and their folders gone
    far = project / "far"
    path = study(
        project,
        data={"train": "../data/train.csv", "test": str(far / "test.csv")},
        objectives=[{"metric": f"{far}/metric.py:kind", "direction": "maximize"}],
    )
    package = packed(path)
    there = unpacked(package, tmp_path)
    for each in far.iterdir():
        each.rename(tmp_path / f"moved-{each.name}")
    # then the overrides put the packed ones in their places
    config = load(there, package.overrides)
    assert config.data is not None and config.data.test is not None
    assert Path(config.data.test).read_text() == "text,label\na,1\n"
    assert config.objectives[0].metric == f"{tmp_path}/there/elsewhere/1/metric.py:kind"


def test_a_model_folder_goes_along_whole(project: Path, tmp_path: Path) -> None:
    path = study(project, model=str(project / "far/model"), data={"train": "../data/train.csv"})
    package = packed(path)
    assert {"elsewhere/1/model/config.json", "elsewhere/1/model/weights.bin"} <= {each.name for each in package.files}
    model = load(unpacked(package, tmp_path), package.overrides).model
    assert model is not None and Path(model.name) == tmp_path / "there/elsewhere/1/model"


def test_a_hub_name_is_no_file(project: Path) -> None:
    path = study(project, model="Qwen/Qwen3-0.6B", data={"train": "../data/train.csv"})
    assert not any("Qwen" in each.name for each in packed(path).files)


def test_what_lies_on_shared_storage_stays_there_and_need_not_be_here(project: Path) -> None:
    # given a path that this machine has not
    path = study(project, data={"train": "/mnt/team/train.csv"})
    with pytest.raises(ConfigurationError, match="does not exist"):
        load(path)
    # when its folder is said to be shared, then it is taken as it is
    elsewhere = Elsewhere(("/mnt/team",))
    config = load(path, (), elsewhere)
    assert config.data is not None and config.data.train == "/mnt/team/train.csv"
    assert not any("train" in each.name for each in packed(path, shared=("/mnt/team",)).files)
    # and a folder of a longer name is another one
    with pytest.raises(ConfigurationError, match="does not exist"):
        load(path, (), Elsewhere(("/mnt/tea",)))


def test_a_package_over_the_limit_names_the_largest_files_and_what_to_do(project: Path) -> None:
    (project / "home/data/train.csv").write_text("x" * 3_000_000)
    path = study(project, data={"train": "../data/train.csv"})
    with pytest.raises(
        ConfigurationError, match=r"2\.9 MiB, over the limit of 1\.0 MiB; the largest: .*train\.csv"
    ) as found:
        packed(path, limit=1 << 20)
    assert "--shared" in found.value.faults[0].hint
    assert packed(path, limit=3 << 20).size > 3_000_000


def test_more_files_go_along_where_they_are_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "home")
    names = {each.name for each in packed(study(project), include=("data",)).files}
    assert names == {"studies/toy.yaml", "studies/own.py", "studies/space.yaml", "studies/base.yaml", "data/train.csv"}


def test_equal_files_make_equal_archives(project: Path, tmp_path: Path) -> None:
    package = packed(study(project))
    write(package, tmp_path / "1.zip")
    (project / "home/studies/own.py").touch()
    write(package, tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_our_own_source_has_the_ready_objectives_and_spaces_and_the_metadata_that_lists_them() -> None:
    source = own_source()
    assert {
        "hpo/run.py",
        "hpo/objectives/lora.py",
        "hpo/search_spaces/lora.yaml",
        "hpo/report/page.css",
    } <= source.keys()
    entry_points = next(text for name, text in source.items() if name.endswith(".dist-info/entry_points.txt"))
    assert b"lora = hpo.objectives.lora" in entry_points
