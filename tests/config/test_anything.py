"""Whatever stands in a study file, it loads or is told what is wrong: never another exception."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpo.config import load_text, resolved_yaml
from hpo.config.document import Dumper, Loader
from hpo.config.nested import value_at, with_value
from hpo.errors import ConfigurationError

STUDIES = Path(__file__).parent / "studies"
NAMES = ["classification.yaml", "own_function.yaml", "instruction.yaml"]
SCALARS: list[Any] = [None, True, -1, 0, 10**40, 1e-5, float("nan"), float("inf"), "", "x", "lora", "1", "mine.py"]
TEXTS = ["é\n'", "..", "${", "s3://x", "kfold", "~", "a\0b", "a.py:b", "mine.py:", ".py", "x" * 300]
NESTED = [(), ("a",), {}, {"a": 1}, {"type": "ratio", "of": "x", "choices": (1,)}, ((1, 2), (1, 2)), {"extends": 3}]
NESTED += [{"metric": "cost_usd"}, {"name": ("a",)}, {"when": {"x": {"y": 1}}}, ({"x": {}},), {"extends": "lora"}]
JUNK = [*SCALARS, *TEXTS, *NESTED]
Way = tuple[str | int, ...]


def ways(value: Any, way: Way = ()) -> list[Way]:
    """Every place inside nested mappings and lists."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return [way, *(deeper for step, each in inner for deeper in ways(each, (*way, step)))]


def check(values: Any) -> None:
    text = yaml.dump(values, Dumper=Dumper, allow_unicode=True)
    try:
        config = load_text(text, "study.yaml", STUDIES)
    except ConfigurationError as error:
        assert all(fault.what and fault.where for fault in error.faults), text
    except Exception as error:
        pytest.fail(f"{error!r} from\n{text}")
    else:
        assert load_text(resolved_yaml(config), "study.yaml", STUDIES) == config, text


@pytest.mark.parametrize("name", NAMES)
def test_a_study_with_junk_in_it_loads_or_is_told(name: str) -> None:
    good, draw = yaml.load((STUDIES / name).read_text(), Loader), random.Random(name)
    for _ in range(200):
        values = good
        for _ in range(draw.randint(1, 3)):
            way = draw.choice([each for each in ways(values) if each])
            if value_at(values, way) is not None:
                values = with_value(values, way, draw.choice(JUNK))
        check(values)


@pytest.mark.parametrize("name", NAMES)
def test_a_study_cut_anywhere_loads_or_is_told(name: str) -> None:
    text = (STUDIES / name).read_text()
    for end in range(0, len(text), 7):
        try:
            load_text(text[:end], "study.yaml", STUDIES)
        except ConfigurationError as error:
            assert "study.yaml:" in str(error)
