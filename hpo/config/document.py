"""YAML text to plain values with the line of every key: strict where PyYAML is silent."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hpo.config.draft import Draft, Key, Place
from hpo.errors import ConfigurationError, Fault

LARGEST = 1 << 20  # bytes; a study file is a page or two, so anything larger is most likely a data file
MOST_VALUES = 100_000  # anchors can make a small file unfold without end

# Scalars are read as YAML 1.2 reads them: 1e-5 is a number, `no` and `on` are words.
SCALARS: dict[str, re.Pattern[str]] = {
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "null": re.compile(r"~|null|Null|NULL|"),
    "int": re.compile(r"[-+]?[0-9]{1,300}|0x[0-9a-fA-F]{1,64}"),  # longer ones are no longer finite numbers
    "float": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
}
_TAG = "tag:yaml.org,2002:"


def _install(resolver: Any) -> None:
    resolver.yaml_implicit_resolvers = {}
    for name, pattern in SCALARS.items():
        resolver.add_implicit_resolver(_TAG + name, re.compile(rf"^(?:{pattern.pattern})$"), None)


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2."""


class Dumper(yaml.SafeDumper):
    """Writes text that Loader reads back as the same values."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never write anchors: equal defaults are written out each time."""
        return True


_install(Loader)
_install(Dumper)


def read_text(path: Path, shown: str) -> str:
    """The text of a small UTF-8 file.

    Raises:
        ConfigurationError: missing, a folder, unreadable, too large, or not text.
    """
    if os.path.isdir(path):
        raise ConfigurationError("this is a folder, not a study file", where=shown, hint="name the .yaml file in it")
    try:
        content = path.read_bytes() if path.stat().st_size <= LARGEST else None
    except FileNotFoundError:
        raise ConfigurationError("no such file", where=shown, hint=_neighbours(path)) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot be read: {getattr(error, 'strerror', error)}", where=shown) from None
    if content is None:
        raise ConfigurationError(
            f"larger than {LARGEST >> 20} MiB, so this is no study file", where=shown, hint="is it a data file?"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            "not UTF-8 text", where=f"{shown}:{line}", hint="save it as UTF-8; is it a binary file?"
        ) from None


def parse_mapping(text: str, shown: str, folder: Path) -> Draft:
    """Read a YAML mapping; duplicate keys, odd tags and keys are faults of the draft.

    Raises:
        ConfigurationError: not YAML, empty, or no mapping at the top.
    """
    node = compose(text, shown)
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
        raise ConfigurationError("the file is empty", where=f"{shown}:1", hint="`hpo init` writes one to begin with")
    if not isinstance(node, yaml.MappingNode):
        found = "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
        raise ConfigurationError(
            f"must be a mapping of keys at the top, found {found}",
            where=f"{shown}:{_line(node)}",
            hint="study: my-name",
        )
    reader = Reader(shown)
    values = reader.build(node, ())
    draft = Draft(values, {(): Place(shown, 1), **reader.places}, folder)
    for key, place, what, hint in reader.faults:
        draft.faults.append((key, place, Fault(str(place), what, hint)))
    return draft


def parse_value(text: str, shown: str) -> Any:
    """One YAML value, as after ``=`` in an override.

    Raises:
        ConfigurationError: it is not YAML, or has a key twice.
    """
    node = compose(text, shown, lines=False)
    reader = Reader(shown)
    value = None if node is None else reader.build(node, ())
    if reader.faults:
        raise ConfigurationError.of(Fault(shown, what, hint) for _, _, what, hint in reader.faults)
    return value


def compose(text: str, shown: str, *, lines: bool = True) -> yaml.Node | None:
    """The node tree of one YAML document; None where there is none.

    Raises:
        ConfigurationError: not YAML, more than one document, or nested beyond reason.
    """
    loader = None
    try:
        loader = Loader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        what, hint = f"not text: character #x{error.character:04x} is not allowed", "is it a binary file?"
        raise ConfigurationError(what, where=f"{shown}:{line}" if lines else shown, hint=hint) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown}:{mark.line + 1}" if lines and mark else shown
        problem = error.problem or ""
        what = f"not YAML: {error.context} {problem}" if problem.startswith("but ") else f"not YAML: {problem}"
        line_text = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        raise ConfigurationError(what, where=where, hint=_syntax_hint(problem, line_text)) from None
    except RecursionError:
        raise ConfigurationError("not YAML that can be read: nested too deeply", where=shown) from None
    finally:
        if loader is not None:
            loader.dispose()


@dataclass
class Reader:
    """Turns nodes into values and remembers where they stood."""

    source: str
    places: dict[Key, Place] = field(default_factory=dict)
    faults: list[tuple[Key, Place, str, str]] = field(default_factory=list)
    count: int = 0
    open_nodes: list[yaml.Node] = field(default_factory=list)

    def build(self, node: yaml.Node, key: Key) -> Any:
        """The value of a node; what cannot be read becomes None and a fault."""
        self.count += 1
        place = self.places.setdefault(key, Place(self.source, _line(node)))
        if self.count > MOST_VALUES or any(node is each for each in self.open_nodes):
            if all(known != () for known, *_ in self.faults):
                self.faults.append(((), place, "an anchor unfolds without end", "write the values out"))
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key)
        if node.tag not in (_TAG + "seq", _TAG + "map"):
            return self._odd_tag(node, key)
        self.open_nodes.append(node)
        value: Any
        if isinstance(node, yaml.MappingNode):
            value = self._mapping(node, key)
        else:
            value = tuple(self.build(each, (*key, index)) for index, each in enumerate(node.value))
        self.open_nodes.pop()
        return value

    def _mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name_node, value_node in node.value:
            place = Place(self.source, _line(name_node))
            name = name_node.value
            if not isinstance(name_node, yaml.ScalarNode) or name_node.tag != _TAG + "str":
                shown = name if isinstance(name, str) else "a list or mapping"
                self.faults.append((key, place, f"the key {shown} must be text", 'put it in quotes: "..."'))
            elif "${" in name:
                self.faults.append((key, place, f"${{NAME}} stands in the key {name}", "use it in values only"))
            elif name in found:
                first = self.places[(*key, name)].line
                what, hint = f"the key `{name}` stands here twice (first in line {first})", "keep one of them"
                self.faults.append(((*key, name), place, what, hint))
            else:
                self.places[(*key, name)] = place
                found[name] = self.build(value_node, (*key, name))
        return found

    def _scalar(self, node: yaml.ScalarNode, key: Key) -> Any:
        kind, text = node.tag.removeprefix(_TAG), node.value
        if kind == "str":
            return text
        if kind in SCALARS and SCALARS[kind].fullmatch(text):
            return scalar(kind, text)
        return self._odd_tag(node, key)

    def _odd_tag(self, node: yaml.Node, key: Key) -> None:
        place = Place(self.source, _line(node))
        self.faults.append((key, place, f"the tag {node.tag.replace(_TAG, '!!')} is not read", "write a plain value"))


def scalar(kind: str, text: str) -> bool | int | float | None:
    """The value of a plain scalar of a kind in SCALARS.

    >>> scalar("float", "1e-5")
    1e-05
    """
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text, 16) if text.startswith("0x") else int(text)
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def plain(text: str) -> Any:
    """What YAML makes of unquoted text: a number, a truth value, null, or the text itself."""
    return next((scalar(kind, text) for kind, pattern in SCALARS.items() if pattern.fullmatch(text)), text)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _syntax_hint(problem: str, line: str) -> str:
    if "${" in line:
        return 'inside { } and [ ], ${NAME} needs quotes: "${NAME}"'
    if "cannot start any token" in problem:
        return "indent with spaces, not tabs; quote text that begins with a special character"
    if "mapping values are not allowed" in problem:
        return "is a colon inside a value that needs quotes, or is a line indented differently?"
    if "but found another document" in problem:
        return "one file holds one study; remove what follows `---`"
    return "look at this line and the one before it: indentation, quotes, brackets"


def _neighbours(path: Path) -> str:
    try:
        near = sorted(each.name for each in path.parent.iterdir() if each.suffix in {".yaml", ".yml"})
    except OSError:
        return "is the path right?"
    return f"there are: {', '.join(near[:5])}" if near else "`hpo init` writes a study file"
