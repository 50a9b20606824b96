"""Bad studies: each fault at its own line, in our words, with a hint; all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.config import load
from hpo.config.draft import did_you_mean
from hpo.errors import ConfigurationError

# A line that replaces the only parameter (line 6 of the good study) -> line, words, hint.
PARAMETERS = [
    ("learning_rate: {type: log_uniform, low: 1e-3, high: 1e-5}", "`low` 0.001 lies above `high` 1e-05", "low: 1e-05"),
    (
        "learning_rate: {type: uniform, low: 0.1, high: 0.1}",
        "`low` 0.1 equals `high` 0.1",
        "{type: constant, value: 0.1}",
    ),
    (
        "learning_rate: {type: log_uniform, low: 0, high: 1}",
        "must be more than 0 on a logarithmic scale",
        "type: uniform",
    ),
    (
        "lora_rank: {type: int_log_uniform, low: -1, high: 4}",
        "must be more than 0 on a logarithmic",
        "type: int_uniform",
    ),
    (
        "learning_rate: {type: uniform, low: .nan, high: 1}",
        "`search_space.learning_rate.low` must be a finite number",
        "",
    ),
    ("learning_rate: {type: uniform, low: 0.1, high: .inf}", "must be a finite number, found inf", ""),
    ("lora_rank: {type: int_uniform, low: .nan, high: 8}", "must be a whole number, found nan", ""),
    ("lora_rank: {type: int_uniform, low: 1, high: 8, step: 0}", "`step` must be more than 0, found 0", "remove it"),
    (
        "learning_rate: {type: uniform, low: 0.1, high: 1, step: -1}",
        "`step` must be more than 0, found -1",
        "remove it",
    ),
    ("lora_rank: {type: int_uniform, low: 1, high: 8, step: 9}", "`step` 9 is larger than the range 1 to 8", "smaller"),
    (
        "batch_size: {type: categorical, choices: []}",
        "`choices` of `search_space.batch_size` is empty",
        "choices: [a, b]",
    ),
    ("batch_size: {type: categorical, choices: [8, 16, 8]}", "the choice 8 stands here twice", "keep one"),
    ("lora_alpha: {type: ratio, of: lora_rank, choices: [1, 1.0]}", "the choice 1 stands here twice", "keep one"),
    ("lora_alpha: {type: ratio, of: lora_rank, choices: [-1]}", "a ratio must be more than 0, found -1", ""),
    ("learning_rate: {type: uniform, low: 0.1, high: 1, default: 2}", "the default 2 is not allowed", "0.1 to 1"),
    (
        "lora_rank: {type: int_uniform, low: 2, high: 8, step: 2, default: 5}",
        "the default 5 is not",
        "2 to 8 in steps of 2",
    ),
    ("batch_size: {type: categorical, choices: [8, 16], default: 4}", "the default 4 is not allowed", "allowed: 8, 16"),
    (
        "lora_alpha: {type: ratio, of: lora_rank, choices: [1, 2], default: 32}",
        "the default 32 is not",
        "allowed: 1, 2",
    ),
    ("lora_alpha: {type: ratio, of: lora_alpha, choices: [1]}", "`lora_alpha` is a ratio of itself", "name another"),
    ("lora_alpha: {type: ratio, of: lora_rnk, choices: [1]}", "ratio of `lora_rnk`, which is unknown", "lora_rank?"),
    ("lora_alpha: {type: ratio, of: method, choices: [1]}", "ratio of `method`, which is no number", "with a number"),
    ("lora_rank: {type: int_uniform, low: 1, high: 8, when: {methd: dora}}", "`methd`, which is unknown", "method?"),
    (
        "lora_rank: {type: int_uniform, low: 1, high: 8, when: {method: dora}}",
        "`method` is fixed at lora",
        "search method",
    ),
    ("lora_rank: {type: int_uniform, low: 1, high: 8, when: {lora_rank: 2}}", "a condition of itself", "another"),
    ("lerning_rate: {type: uniform, low: 0.1, high: 1}", "`lora` does not know the parameter", "learning_rate?"),
    ("preprocessing: {type: constant, value: 1}", "`search_space.preprocessing.value` must be text", ""),
    ("learning_rate: 1e-4", "is a single value, not a parameter", "{type: constant, value: 0.0001}"),
    ("batch_size: [8, 16]", "is a list, not a parameter", "{type: categorical, choices: [8, 16]}"),
    ("batch_size:", "`search_space.batch_size` is empty", "{type: log_uniform"),
    ("batch_size: {low: 1, high: 2}", "`search_space.batch_size` has no `type`", "one of uniform, log_uniform"),
    ("batch_size: {type: int_unifrm, low: 1, high: 2}", "unknown type 'int_unifrm'", "did you mean int_uniform?"),
    ("batch_size: {type: int_uniform, low: 1}", "`high` is missing in `search_space.batch_size`", ""),
    ("batch_size: {type: int_uniform, low: 1, high: 2, hihg: 3}", "unknown key `hihg`", "did you mean high?"),
    ("batch_size: {type: int_uniform, low: '1', high: 2}", "must be a whole number, found '1'", "remove the quotes"),
    ("batch_size: {type: int_uniform, low: 1.5, high: 2}", "must be a whole number, found 1.5", ""),
    (
        "batch_size: {type: uniform, low: 4, high: 64}",
        "is a whole number, and uniform draws others",
        "type: int_uniform",
    ),
    ("lora_dropout: {type: uniform, low: 0, high: 1}", "`search_space.lora_dropout.high` must be less than 1", ""),
    ("method: {type: categorical, choices: [lora, dorra]}", "`search_space.method.choices[1]` must be", "mean dora?"),
    (
        "method: {type: constant, value: dorra}",
        "`search_space.method.value` must be 'lora', 'rslora' or 'dora'",
        "dora?",
    ),
]


@pytest.mark.parametrize(("line", "words", "hint"), PARAMETERS, ids=[line for line, _, _ in PARAMETERS])
def test_a_bad_parameter_is_told(line: str, words: str, hint: str, good: str, faults: Any) -> None:
    text = good.replace("learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}", line)
    found = faults(text)
    assert [fault.where for fault in found] == ["bad.yaml:6"]
    assert words in found[0].what
    assert hint in found[0].hint


# Lines added to the good study: line, words, hint.
BLOCKS = [
    ("trainng: {}", 8, "unknown key `trainng`", "did you mean training?"),
    ("training: {learning_rte: 1}", 8, "unknown key `learning_rte` in `training`", "did you mean learning_rate?"),
    ("training: {num_train_epochs: 0}", 8, "`training.num_train_epochs` must be more than 0, found 0", ""),
    ("training: {warmup_ratio: 1}", 8, "must be less than 1, found 1", ""),
    ("training: {bf16: yes}", 8, "`training.bf16` must be true or false, found 'yes'", ""),
    ("training: {lora_rank: 8, learning_rate: 1e-4}", 6, "searched here and fixed in `training` (", "keep one of them"),
    ("training: [1]", 8, "`training` must be a mapping of keys, found a list", ""),
    ("known: [{learning_rate: 1}]", 8, "`learning_rate: 1` lies outside the search space", "1e-05 to 0.001"),
    ("known: [{learning_rate: fast}]", 8, "`learning_rate: fast` lies outside the search space", "allowed"),
    ("known: [{lerning_rate: 1e-4}]", 8, "`lerning_rate` is not a parameter of the search space", "learning_rate?"),
    ("known: {learning_rate: 1e-4}", 8, "`known` must be a list, found a mapping", "known: [{"),
    ("constraints: [{metric: latency_ms}]", 8, "has neither `max` nor `min`", "max: ..."),
    ("constraints: [{metric: latency_ms, max: 2, min: 1}]", 8, "has both `max` and `min`", "write two"),
    ("constraints: [{metric: latency_ms, max: 2}, {metric: latency_ms, max: 3}]", 8, "`max` on latency_ms", "keep one"),
    ("constraints: [{metric: latency, max: 2}]", 8, "unknown metric `latency`", "did you mean latency_ms?"),
    ("constraints: [{metric: latency_ms, max: .nan}]", 8, "must be a finite number", ""),
    ("constraints: [{metric: cost_usd, max: 2}]", 8, "`cost_usd` needs `price_per_device_hour`", "2.50"),
    ("sampler: {name: tpee}", 8, "`sampler.name` must be 'tpe', 'gp', 'random' or 'grid'", "did you mean tpe?"),
    ("sampler: gp", 8, "`sampler` must be a mapping of keys, found 'gp'", "sampler: {name: 'gp'}"),
    ("sampler: {name: grid}", 6, "finite space, and `learning_rate` is continuous", "sampler: {name: tpe}"),
    ("sampler: {seed: -1}", 8, "`sampler.seed` must be at least 0, found -1", ""),
    ("budget: {cost_usd: 3}", 8, "a budget in `cost_usd` needs `price_per_device_hour`", "2.50"),
    ("budget: {trials: 0}", 8, "`budget.trials` must be at least 1, found 0", ""),
    ("budget: {trials: true}", 8, "`budget.trials` must be a whole number, found true", ""),
    ("budget: {hours: .inf}", 8, "`budget.hours` must be a finite number", ""),
    ("budget:\n  plateau: {trial: 3}", 9, "unknown key `trial` in `budget.plateau`", "did you mean trials?"),
    ("baselines: {base: 3}", 8, "`baselines.base` must be true or false, found 3", ""),
    ("objective: lorra", 8, "unknown objective `lorra`", "did you mean lora?"),
    ("objective: mine2.py", 8, "the objective file mine2.py does not exist", "looked in"),
    ("warm_start: runs/nowhere", 8, "the run folder runs/nowhere does not exist", "working directory"),
    ("<<: {a: 1}", 8, "unknown key `<<`", "merge keys are not read"),
    ("1: 2", 8, "the key 1 must be text", "quotes"),
    ("runner: {name: slurm}", 8, "`runner.name` must be 'auto', 'local' or 'ray', found 'slurm'", "auto, local, ray"),
]


@pytest.mark.parametrize(("lines", "line", "words", "hint"), BLOCKS, ids=[lines for lines, *_ in BLOCKS])
def test_a_bad_block_is_told(lines: str, line: int, words: str, hint: str, good: str, faults: Any) -> None:
    found = faults(good + lines + "\n")
    assert [fault.where for fault in found] == [f"bad.yaml:{line}"]
    assert words in found[0].what
    assert hint in found[0].hint


# What one line of the good study becomes -> line, words, hint.
CHANGES = [
    ("study: good\n", "", 1, "`study` is missing", "study: my-study"),
    ("study: good", "study: a b", 1, "`study` may hold letters, digits", "begin with"),
    ("study: good", "study: ..", 1, "`study` may hold letters, digits", "begin with"),
    ("study: good", "study: 2024", 1, "`study` must be text, found 2024", "quotes"),
    ("task: classification\n", "", 1, "`task` is missing; the objective `lora` needs one", "one of classification"),
    ("task: classification", "task: clasification", 3, "`task` must be", "did you mean classification?"),
    ("task: classification", "task: custom", 3, "`lora` does not serve the task custom", "one of"),
    ("model: Qwen/Qwen3-0.6B\n", "", 1, "neither `objective` nor `model` says what to train", "objective: mine.py"),
    ("model: Qwen/Qwen3-0.6B", "objective: full_finetune", 1, "`model` is missing", "model: Qwen"),
    (
        "model: Qwen/Qwen3-0.6B",
        "model: {name: x, dtyp: auto}",
        2,
        "unknown key `dtyp` in `model`",
        "did you mean dtype?",
    ),
    ("model: Qwen/Qwen3-0.6B", "model: package:no_such_one/x", 2, "the package no_such_one is not installed", "pip"),
    ("model: Qwen/Qwen3-0.6B", "model: package:yaml.x/x", 2, "the package yaml.x is not installed", ""),
    ("model: Qwen/Qwen3-0.6B", "model: package:yaml/nowhere", 2, "the package yaml has no folder nowhere", "looked in"),
    ("model: Qwen/Qwen3-0.6B", "model: ./nowhere", 2, "the model folder ./nowhere does not exist", "looked in"),
    ("model: Qwen/Qwen3-0.6B", "model: /nowhere/at/all", 2, "the model folder /nowhere/at/all does not exist", ""),
    ("model: Qwen/Qwen3-0.6B", "model: ~/nowhere", 2, "the model folder ~/nowhere does not exist", ""),
    ("data: {train: rows.jsonl}\n", "", 1, "`data` is missing; the task classification needs rows", "data: {train"),
    ("{train: rows.jsonl}", "{limit: 3}", 4, "`data` names no rows", "train: FILE"),
    ("{train: rows.jsonl}", "{train: rows.json}", 4, "the data file rows.json does not exist", "looked in"),
    ("{train: rows.jsonl}", "{train: .}", 4, "the data file . is a folder", "name a file in it"),
    ("{train: rows.jsonl}", "{source: rows.py}", 4, "the rows file rows.py does not exist", "looked in"),
    ("{train: rows.jsonl}", "{train: rows.jsonl, dataset: squad}", 4, "`dataset` and `train` both name", "keep one"),
    ("{train: rows.jsonl}", "{train: rows.jsonl, config: a}", 4, "`config` goes with `dataset` only", "remove it"),
    ("{train: rows.jsonl}", "{dataset: a, test: rows.jsonl}", 4, "a `test` file goes with a `train` file only", ""),
    ("{train: rows.jsonl}", "{train: rows.jsonl, split: {strategy: group}}", 4, "the group split needs `by`", "by:"),
    ("{train: rows.jsonl}", "{train: rows.jsonl, split: {strategy: time}}", 4, "the time split needs `by`", "by:"),
    ("{train: rows.jsonl}", "{train: rows.jsonl, split: {by: a}}", 4, "`by` is used by the strategies", "group"),
    (
        "{train: rows.jsonl}",
        "{train: rows.jsonl, split: {validation: .5, test: .5}}",
        4,
        "take 1 of the rows",
        "less than 1",
    ),
    ("{train: rows.jsonl}", "{train: rows.jsonl, columns: {text: 3}}", 4, "`data.columns.text` must be text", "quotes"),
    ("accuracy", "macro_f2", 7, "unknown metric `macro_f2`", "did you mean macro_f1?"),
    ("accuracy", "f1_macro", 7, "unknown metric `f1_macro`", "did you mean macro_f1?"),
    ("accuracy", "rmse", 7, "the metric `rmse` is not one of the task classification", "known: accuracy"),
    ("accuracy", "seconds_p95", 7, "`seconds_p95` needs seconds, which the ready objectives do not", "latency_p95_ms"),
    ("accuracy", "score_roc_auc", 7, "needs score, which the ready objectives do not give", "from a predictions file"),
    ("accuracy", "nowhere.py:mine", 7, "the evaluator file nowhere.py:mine does not exist", "looked in"),
    ("maximize", "minimize", 7, "accuracy would be minimized, but more of it is better", "direction: maximize"),
    ("maximize", "max", 7, "must be 'maximize' or 'minimize', found 'max'", "maximize"),
    (", direction: maximize", "", 7, "`direction` is missing in `objectives[0]`", "direction: maximize, or minimize"),
    ("[{metric: accuracy, direction: maximize}]", "[]", 7, "`objectives` needs at least one entry", "objectives: [{"),
    ("[{metric: accuracy, direction: maximize}]", "accuracy", 7, "`objectives` must be a list", "objectives: [{"),
    ("}]", "}, {metric: accuracy, direction: maximize}]", 7, "accuracy stands in `objectives` twice", "keep one"),
    (
        "\n  learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}",
        " lorra",
        5,
        "unknown search space `lorra`",
        "lora?",
    ),
    ("\n  learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}", " {}", 5, "the search space is empty", "lora"),
    (
        "\n  learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}",
        " [a]",
        5,
        "`search_space` must be a mapping",
        "",
    ),
    (
        "\n  learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}",
        " no.yaml",
        5,
        "no.yaml: no such file",
        "there are",
    ),
    (
        "  learning_rate:",
        "  extends: lora\n  larning_rate: null\n  learning_rate:",
        7,
        "no parameter `larning_rate`",
        "rate?",
    ),
    ("study: good", "study: good\nstudy: better", 2, "the key `study` stands here twice (first in line 1)", "keep"),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "words", "hint"), CHANGES, ids=[f"{old}->{new}" for old, new, *_ in CHANGES]
)
def test_a_bad_change_is_told(old: str, new: str, line: int, words: str, hint: str, good: str, faults: Any) -> None:
    assert old in good
    found = faults(good.replace(old, new, 1))
    assert [fault.where for fault in found] == [f"bad.yaml:{line}"]
    assert words in found[0].what
    assert hint in found[0].hint


REFUSED = [
    ("finalists: {count: 3}", "`finalists`"),
    ("statistics: {confidence: 0.9}", "`statistics`"),
    ("value_per_point: 3", "`value_per_point`"),
    ("runner: {trials_per_worker: auto}", "`runner.trials_per_worker: auto`"),
    ("loggers: {mlflow: {}}", "`loggers.mlflow`"),
]


@pytest.mark.parametrize(("line", "name"), REFUSED)
def test_what_this_version_does_not_act_on_is_refused(line: str, name: str, good: str, faults: Any) -> None:
    found = faults(f"{good}{line}\n")
    assert [(fault.where, fault.what) for fault in found] == [
        ("bad.yaml:8", f"{name} is not available in this version")
    ]


URLS = [
    ("nothing://host/x", "the protocol nothing:// is not known"),
    ("memory://x", "what lies at memory:// is lost when the process ends"),
    ("sftp://ana:secret@host/x", "sftp:// needs the package paramiko, which is not installed"),
]


@pytest.mark.parametrize("key", ["runs", "warm_start"])
@pytest.mark.parametrize(("url", "what"), URLS)
def test_a_url_that_cannot_be_opened_is_a_fault(key: str, url: str, what: str, good: str, faults: Any) -> None:
    assert [(fault.where, fault.what) for fault in faults(f"{good}{key}: {url}\n")] == [("bad.yaml:8", what)]


def test_a_url_that_can_be_opened_is_none(good: str, faults: Any) -> None:
    assert faults(f"{good}runs: file:///shared/runs\n") == []


@pytest.mark.parametrize("line", ["runner: {max_workers: 1, gpus_per_trial: 1, trials_per_worker: 1, address: null}"])
def test_what_asks_for_nothing_new_is_not_refused(line: str, good: str, faults: Any) -> None:
    assert faults(f"{good}{line}\n") == []


RUNNERS = [
    ("{gpus_per_trial: 1.5}", "not 1.5", "0.5, or 2"),
    ("{gpus_per_trial: 2, processes_per_trial: 3}", "3 processes and 2 GPUs", "gpus_per_trial: 3"),
    ("{name: local, max_workers: 2}", "no use for `max_workers`", "name: ray"),
    ("{name: local, gpus_per_trial: 2}", "no use for `gpus_per_trial`", "name: ray"),
    ("{name: local, address: auto}", "no use for `address`", "name: ray"),
    ("{resources: {big: 0}}", "must be more than 0", ""),
    ("{tries: 0}", "at least 1", ""),
]


@pytest.mark.parametrize(("block", "words", "hint"), RUNNERS)
def test_a_runner_that_cannot_be_is_told(block: str, words: str, hint: str, good: str, faults: Any) -> None:
    found = faults(f"{good}runner: {block}\n")
    assert [fault.where for fault in found] == ["bad.yaml:8"]
    assert words in found[0].what
    assert hint in found[0].hint


CONDITIONS = """\
study: conditions
objective: mine.py
search_space:
  a: {type: categorical, choices: [x, y]}
  b: {type: int_uniform, low: 1, high: 4, when: {a: [x, z]}}
  c: {type: uniform, low: 0, high: 1, when: {b: 9}}
  d: {type: ratio, of: a, choices: [1, 2]}
  e: {type: ratio, of: f, choices: [1]}
  f: {type: ratio, of: g, choices: [1]}
  g: {type: uniform, low: 0, high: 1, when: {e: 1}}
  h: {type: constant, value: 3}
  i: {type: uniform, low: 0, high: 1, when: {h: 4}}
known:
  - {a: y, b: 2}
  - {b: 2}
  - {h: 5}
objectives: [{metric: anything, direction: minimize}, {metric: train_seconds, direction: maximize}]
"""


def test_parameters_that_do_not_fit_together_are_told_all_at_once(faults: Any) -> None:
    assert [(fault.where, fault.what) for fault in faults(CONDITIONS)] == [
        ("bad.yaml:5", "`a` is never z, so `b` would never exist"),
        ("bad.yaml:6", "`b` is never 9, so `c` would never exist"),
        ("bad.yaml:7", "`d` is a ratio of `a`, which is no number"),
        (
            "bad.yaml:8",
            "" + "parameters depend on each other in a circle: e -> f -> g -> e",
        ),
        ("bad.yaml:12", "`h` is never 4, so `i` would never exist"),
        ("bad.yaml:14", "`b` does not exist where `a` is y"),
        ("bad.yaml:16", "`h: 5` lies outside the search space"),
        ("bad.yaml:17", "train_seconds would be maximized, but less of it is better"),
    ]


KNOWN_RATIO = """\
study: ratio
objective: mine.py
search_space:
  rank: {type: int_uniform, low: 4, high: 16}
  alpha: {type: ratio, of: rank, choices: [1, 2]}
known: [KNOWN]
objectives: [{metric: anything, direction: minimize}]
"""


@pytest.mark.parametrize(
    ("known", "count"),
    [
        ("{rank: 8, alpha: 16}", 0),
        ("{rank: 8, alpha: 24}", 1),
        ("{rank: 8, alpha_per_rank: 2}", 0),
        ("{rank: 8, alpha_per_rank: 16}", 1),
        ("{rank: 8, alpha: much}", 1),
        ("{alpha: 16}", 0),  # of what rank is decided later
    ],
)
def test_a_known_ratio_is_given_as_its_value_or_as_the_ratio(known: str, count: int, faults: Any) -> None:
    assert len(faults(KNOWN_RATIO.replace("KNOWN", known))) == count


def test_ones_own_function_takes_any_parameter_and_metric(faults: Any) -> None:
    text = KNOWN_RATIO.replace("KNOWN", "").replace("anything", "f1_macro")
    assert faults(text) == []
    assert (
        "would be maximized"
        in faults(text.replace("f1_macro, direction: minimize", "loss, direction: maximize"))[0].what
    )


MANY = """\
study: many faults
model: ./nowhere
task: instruction
data: {train: nowhere.jsonl, trian: 3}
training: {learning_rate: fast, lora_rank: 3}
search_space:
  learning_rate: {type: log_uniform, low: 0, high: 1e-3, default: 5}
  lora_rank: {type: int_uniform, low: 8, high: 4}
  lora_alpha: 16
known: [{learning_rate: 3}]
objectives: [{metric: accuracy, direction: minimize}]
budget: {trails: 50}
finalists: {count: 3}
"""


def test_every_fault_is_told_at_once_in_the_order_of_the_file(faults: Any) -> None:
    found = faults(MANY, ["sampler.name=best"])
    lines = [fault.where.removeprefix("bad.yaml:") for fault in found]
    assert lines == [
        "1",
        "2",
        "4",
        "4",
        "5",
        "7",
        "7",
        "7",
        "8",
        "8",
        "9",
        "10",
        "11",
        "12",
        "13",
        "--set sampler.name=best",
    ]
    assert len({(fault.where, fault.what) for fault in found}) == len(found)
    assert sum(bool(fault.hint) for fault in found) >= 14


def test_faults_in_a_space_file_stand_at_its_own_lines(studies: Path) -> None:
    (studies / "own_space.yaml").write_text("learning_rate: {type: log_uniform, low: 0, high: 1}\nlora_rank: 3\n")
    with pytest.raises(ConfigurationError) as raised:
        load(studies / "instruction.yaml", ["objective=lora"])
    assert [fault.where for fault in raised.value.faults] == ["own_space.yaml:1", "own_space.yaml:2"]


def test_a_space_that_extends_itself_is_told(studies: Path) -> None:
    (studies / "own_space.yaml").write_text("extends: own_space.yaml\n")
    with pytest.raises(ConfigurationError, match=r"the space own_space.yaml extends itself"):
        load(studies / "instruction.yaml")


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("lerning_rate", ["learning_rate", "lora_rank"], "did you mean learning_rate?"),
        ("f1_weighted", ["weighted_f1", "accuracy"], "did you mean weighted_f1?"),
        ("zzz", ["b", "a"], "known: a, b"),
        ("zzz", [], ""),
    ],
)
def test_the_nearest_name_is_offered(name: str, known: list[str], hint: str) -> None:
    assert did_you_mean(name, known) == hint


def test_an_objective_for_another_task_says_which_it_serves(good: str, faults: Any) -> None:
    found = faults(good + "objective: sklearn_regressor\n")
    assert [(fault.where, fault.what) for fault in found] == [
        ("bad.yaml:3", "the objective `sklearn_regressor` does not serve the task classification"),
        ("bad.yaml:6", "the objective `sklearn_regressor` does not know the parameter `learning_rate`"),
    ]
    assert found[0].hint == "one of regression"


def test_a_fixed_setting_that_the_objective_does_not_use_is_refused(good: str, faults: Any) -> None:
    found = faults(good + "objective: full_finetune\ntraining: {lora_rank: 4, lora_dropout: 0.0}\n")
    assert [fault.what for fault in found] == ["the objective `full_finetune` does not use `lora_rank`"]
