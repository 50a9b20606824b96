"""What a command is to write, looked at before the work begins: nothing of the user's is written over."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from hpo.errors import ConfigurationError, Fault


def refuse_outputs(
    outputs: Mapping[str, Path], inputs: Mapping[str, Path], endings: Mapping[str, tuple[str, ...]]
) -> None:
    """Refuse outputs that would be written over an input or each other, or that cannot be files.

    Args:
        outputs: option to file.
        inputs: what it is called to file.
        endings: option to what its file's name must end with; those that are not named may end as they like.

    Raises:
        ConfigurationError: every output that cannot be, at once.
    """
    faults: list[Fault] = []
    taken = {_place(path): name for name, path in inputs.items()}
    for option, path in outputs.items():
        other = taken.setdefault(_place(path), option)
        allowed = endings.get(option, ())
        if other != option:
            faults.append(Fault(option, f"{path} is {other} too, and would be written over", "name another file"))
        elif path.is_dir():
            faults.append(Fault(option, f"{path} is a folder", "name a file in it"))
        elif allowed and not path.name.lower().endswith(allowed):
            faults.append(Fault(option, f"{path.name} does not end with {allowed[0]}", f"{option} name{allowed[0]}"))
    if faults:
        raise ConfigurationError.of(faults)


def refuse_folders(outputs: Mapping[str, Path], makes: Collection[str] = ()) -> None:
    """Refuse outputs whose folder is not there, or is not ours to write in.

    Args:
        outputs: option to file.
        makes: options that make their folder where it is missing.

    Raises:
        ConfigurationError: every one of them, at once.
    """
    faults = []
    for option, path in outputs.items():
        folder = path.absolute().parent
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if not there.is_dir():
            faults.append(Fault(option, f"{there} is no folder", "name a file in another folder"))
        elif folder != there and option not in makes:
            faults.append(Fault(option, f"the folder {folder} does not exist", f"mkdir -p {folder}"))
        elif not os.access(there, os.W_OK | os.X_OK):
            faults.append(Fault(option, f"the folder {there} cannot be written", f"{option} a file in another folder"))
    if faults:
        raise ConfigurationError.of(faults)


def _place(path: Path) -> str:
    return os.path.realpath(path)
