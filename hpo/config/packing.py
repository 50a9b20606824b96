"""What goes along when a study runs on other machines: its file, the files it names, and nothing else."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hpo.config.document import parse_mapping, read_text
from hpo.config.draft import Draft, Key
from hpo.config.harness import is_harness, parse
from hpo.config.paths import PACKAGE, file_part, files
from hpo.errors import ConfigurationError

LIMIT = 100 << 20  # bytes
MIB = 1 << 20
ASIDE = "elsewhere"  # folder of the package for files that lie outside the study's own tree
_SKIPPED = {"__pycache__", ".git", ".venv"}
_HINT = "put them on storage that every node sees, name them there by absolute paths, and add --shared FOLDER"


@dataclass(frozen=True)
class PackedFile:
    """A file that goes along: where it lies here, what it is called in the package, its bytes."""

    source: Path
    name: str
    size: int


@dataclass(frozen=True)
class Package:
    """Everything that goes along.

    Args:
        study: name of the study file in the package.
        files: all files, the study file first.
        overrides: ``key=value`` for each path of the study file that does not hold in the package.
    """

    study: str
    files: tuple[PackedFile, ...]
    overrides: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files)


@dataclass(frozen=True)
class _Reference:
    """A path in the study file."""

    key: Key
    written: str
    path: str  # absolute
    before: str = ""  # of the path, in the value
    after: str = ""


def pack(draft: Draft, study: Path, *, include: Sequence[str] = (), limit: int = LIMIT) -> Package:
    """The package of a study.

    Args:
        draft: of the study file, as ``read_draft`` gives it; what lies in its folders elsewhere stays where it is.
        study: the study file.
        include: more files and folders, relative to the working directory.
        limit: largest size of all files, in bytes.

    Raises:
        ConfigurationError: the files are too large, or one cannot be packed.
    """
    references = [each for each in _references(draft) if not draft.elsewhere.has(each.path)]
    more = [os.path.abspath(os.path.expanduser(each)) for each in include]
    layout = _Layout(str(draft.folder), [*(each.path for each in references if _is_relative(each.written)), *more])
    layout.add(str(study.absolute()))
    overrides = []
    for reference in references:
        name = layout.add(reference.path)
        if not _is_relative(reference.written) or reference.key == ("warm_start",):
            overrides.append(_override(reference, name, layout.name(str(draft.folder))))
    for path in more:
        layout.add(path)
    package = Package(layout.name(str(study.absolute())), tuple(layout.files.values()), tuple(overrides))
    _check_size(package, limit)
    return package


def write(package: Package, path: Path, extra: Mapping[str, bytes] | None = None) -> None:
    """Write the package, and more contents by name, as a zip archive; equal contents make equal archives."""
    with zipfile.ZipFile(path, "w") as archive:
        for each in package.files:
            archive.writestr(_entry(each.name), each.source.read_bytes(), zipfile.ZIP_DEFLATED, 1)
        for name, content in (extra or {}).items():
            archive.writestr(_entry(name), content, zipfile.ZIP_DEFLATED, 1)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980: the time of packing would make every archive another one
    entry.external_attr = 0o644 << 16
    return entry


def overridden(package: Package) -> set[str]:
    """Keys of the study file that the package gives another value, dotted."""
    return {override.partition("=")[0] for override in package.overrides}


@dataclass
class _Layout:
    """Where each file lies in the package: as under the folder that holds the study and all it names relative to it."""

    folder: str
    beside: Sequence[str]
    root: str = ""
    files: dict[str, PackedFile] = field(default_factory=dict)  # by the path here
    aside: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = os.path.commonpath([self.folder, *self.beside])

    def name(self, path: str) -> str:
        """What a path is called in the package."""
        if os.path.commonpath([self.root, path]) == self.root:
            return os.path.relpath(path, self.root)
        number = self.aside.setdefault(os.path.dirname(path), len(self.aside) + 1)
        return os.path.join(ASIDE, str(number), os.path.basename(path))

    def add(self, path: str) -> str:
        """Take a file, or all files of a folder, in; gives the name."""
        name = self.name(path)
        for file in _walk(path):
            try:
                size = os.stat(file).st_size
            except OSError as error:
                raise ConfigurationError(f"cannot be packed: {error.strerror}", where=file) from None
            self.files.setdefault(file, PackedFile(Path(file), name + file.removeprefix(path), size))
        return name


def _walk(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(set(inner) - _SKIPPED)
        yield from (os.path.join(folder, name) for name in sorted(names) if not name.endswith(".pyc"))


def _references(draft: Draft) -> Iterator[_Reference]:
    """The paths that stand in the study file, and in the files of its search space."""
    folder = str(draft.folder)
    for key, _ in files(draft):
        value = str(draft.get(*key))
        yield _reference(key, file_part(value), folder, after=value.removeprefix(file_part(value)))
    for block in ("objectives", "constraints"):
        for key, entry in draft.mappings(block):
            task = parse(str(entry.get("metric"))) if is_harness(entry.get("metric")) else None
            if task is not None and task.is_file:
                yield _reference((*key, "metric"), task.task, folder, before="lm_eval:", after=f":{task.metric}")
    model = draft.text("model", "name")
    if model and not model.startswith(PACKAGE) and os.path.isdir(_absolute(folder, model)):
        yield _reference(("model", "name"), model, folder)
    warm = draft.text("warm_start")
    if warm and "://" not in warm:
        yield _reference(("warm_start",), warm, os.getcwd())
    yield from _spaces(draft, folder)


def _spaces(draft: Draft, folder: str) -> Iterator[_Reference]:
    """The files that a search space is read from: its own, and those that this one extends."""
    space = draft.get("search_space")
    written = space.get("extends") if isinstance(space, dict) else space
    key: Key = ("search_space", "extends")
    while isinstance(written, str) and written.endswith((".yaml", ".yml")):
        reference = _reference(key, written, folder)
        if key == () and not _is_relative(written):
            what = f"the search space extends {written}, an absolute path, which does not hold on other machines"
            raise ConfigurationError(what, where=folder, hint="name it relative to the file that extends it")
        yield reference
        folder, key = os.path.dirname(reference.path), ()
        written = parse_mapping(read_text(Path(reference.path), written), written, Path(folder)).values.get("extends")


def _reference(key: Key, written: str, folder: str, *, before: str = "", after: str = "") -> _Reference:
    return _Reference(key, written, _absolute(folder, written), before, after)


def _absolute(folder: str, written: str) -> str:
    return os.path.normpath(os.path.join(folder, os.path.expanduser(written)))


def _is_relative(written: str) -> bool:
    return not os.path.isabs(os.path.expanduser(written))


def _override(reference: _Reference, name: str, folder: str) -> str:
    """``key=value`` that names the file relative to the packed study file; a warm start to the package's root."""
    path = name if reference.key == ("warm_start",) else os.path.relpath(name, folder)
    if reference.key[:1] == ("model",) and not path.startswith("."):
        path = os.path.join(".", path)
    if any("." in str(step) for step in reference.key):
        what = f"the absolute path {reference.written} does not hold on other machines"
        raise ConfigurationError(what, where=".".join(map(str, reference.key)), hint="name it relative to the study")
    value = json.dumps(f"{reference.before}{path}{reference.after}", ensure_ascii=False)
    return f"{'.'.join(map(str, reference.key))}={value}"


def _check_size(package: Package, limit: int) -> None:
    if package.size <= limit:
        return
    largest = sorted(package.files, key=lambda each: -each.size)[:3]
    named = ", ".join(f"{each.source} ({mebibytes(each.size)})" for each in largest)
    what = f"the study and its files are {mebibytes(package.size)}, over the limit of {mebibytes(limit)}"
    raise ConfigurationError(f"{what}; the largest: {named}", where="--max-size", hint=_HINT)


def mebibytes(size: int) -> str:
    """Bytes as people read them.

    >>> mebibytes(3_500_000), mebibytes(1200)
    ('3.3 MiB', '1.2 KiB')
    """
    return f"{size / MIB:.1f} MiB" if size >= 0.1 * MIB else f"{size / 1024:.1f} KiB"
