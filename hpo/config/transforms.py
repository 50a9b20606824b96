"""Names of the preparation steps that a study or a check may name, and the faults of names that are none."""

from __future__ import annotations

from collections.abc import Sequence

from hpo.config.draft import did_you_mean
from hpo.config.paths import file_part, is_own
from hpo.errors import Fault

ORIGINAL = "original"  # the strategy without any step

TEXT_TRANSFORMS = {
    "lowercase": "letters become small",
    "remove_punctuation": "punctuation and symbols become spaces; an apostrophe in a word vanishes",
    "normalize_whitespace": "runs of white space become one space, or one line break where they held one",
    "strip_html": "tags, comments, scripts and styles of HTML go, its character references become characters",
    "fix_encoding": "text decoded by the wrong code page is decoded again; control characters go",
}
ROW_TRANSFORMS = {
    "deduplicate": "of rows with one label that are equal but for case, punctuation and spaces the first stays",
}


def check_names(names: Sequence[str], where: str = "preprocessing") -> list[Fault]:
    """What is wrong with a list of transforms; empty where every one of them is known.

    Args:
        names: of transforms: ours, or ``mine.py:name`` of a function of the user's own.
        where: the list stands.
    """
    known = [*TEXT_TRANSFORMS, *ROW_TRANSFORMS, "mine.py:name"]
    faults = []
    for position, name in enumerate(names):
        if not isinstance(name, str):
            faults.append(Fault(where, f"{name!r} is not the name of a transform", did_you_mean("", known)))
        elif name in names[:position]:
            faults.append(Fault(where, f"the transform `{name}` stands here twice", "keep one"))
        elif is_own(name):
            if file_part(name) == name:
                what = f"`{name}` names a file, and no function in it"
                faults.append(Fault(where, what, f"{name}:NAME, a function from text to text"))
        elif name not in known:
            faults.append(Fault(where, f"unknown transform `{name}`", did_you_mean(name, known)))
    return faults
