"""Sealed variables: only a holder of the token reads them, and what Python reads itself stays open."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hpo.errors import ConfigurationError
from hpo.runners.ray_sealed import SEALED, seal, unseal

TOKEN = "5f" * 32


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment that is put back, also where unseal has added to it."""
    kept = dict(os.environ)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    yield
    for name in set(os.environ) - set(kept):
        del os.environ[name]
    os.environ.update(kept)


def test_a_job_with_the_token_has_the_values_and_not_the_seal() -> None:
    handed = seal({"WORD": "sesame é\n", "EMPTY": ""}, TOKEN)
    assert list(handed) == [SEALED] and "sesame" not in handed[SEALED]
    os.environ.update(handed)
    unseal()
    assert (os.environ["WORD"], os.environ["EMPTY"]) == ("sesame é\n", "")
    assert SEALED not in os.environ
    unseal()  # nothing sealed: nothing to do


def test_the_same_value_is_never_sealed_to_the_same_text() -> None:
    assert seal({"WORD": "sesame"}, TOKEN) != seal({"WORD": "sesame"}, TOKEN)


def test_what_is_read_before_the_command_begins_is_not_sealed() -> None:
    handed = seal({"PATH": "/bin", "PYTHONPATH": "/lib", "LD_LIBRARY_PATH": "/so", "MY_PATH": "x"}, TOKEN)
    assert set(handed) == {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", SEALED}
    assert seal({"PATH": "/bin"}, TOKEN) == {"PATH": "/bin"}
    assert seal({}, TOKEN) == {}


@pytest.mark.parametrize("change", ["token", "cut", "flipped", "no base64"])
def test_another_token_or_a_damaged_text_is_one_clear_error(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal({"WORD": "sesame"}, TOKEN)[SEALED]
    damaged = {"cut": sealed[:40], "flipped": sealed[:-8] + ("A" if sealed[-8] != "A" else "B") + sealed[-7:]}
    monkeypatch.setenv(SEALED, {"no base64": "€", **damaged}.get(change, sealed))
    if change == "token":
        monkeypatch.setenv("RAY_AUTH_TOKEN", "other")
    with pytest.raises(ConfigurationError, match="another token than the machine that submitted it"):
        unseal()
    assert "WORD" not in os.environ


def test_a_job_without_a_token_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEALED, seal({"WORD": "sesame"}, TOKEN)[SEALED])
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(ConfigurationError, match="the job has no token of the cluster"):
        unseal()
