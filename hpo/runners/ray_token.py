"""The token that guards a Ray cluster, found where Ray's own clients look for it."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path

from hpo.errors import ConfigurationError

TOKEN_HINT = "export RAY_AUTH_TOKEN=... of the cluster, or RAY_AUTH_TOKEN_PATH=FILE"
SECONDS = 10.0  # until an address counts as unreachable


def headers_of_token() -> dict[str, str]:
    """The header that carries the token to the dashboard; none where there is no token.

    Raises:
        ConfigurationError: the token's file cannot be read, or a token is asked for and there is none.
    """
    found = token()
    return {"Authorization": f"Bearer {found}"} if found else {}


def token() -> str | None:
    """Ray's token: of RAY_AUTH_TOKEN, the file in RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token.

    Raises:
        ConfigurationError: the file cannot be read, or a token is asked for and there is none.
    """
    mode = os.environ.get("RAY_AUTH_MODE", "")
    if mode == "disabled":
        return None
    if given := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return given
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    path = Path(named) if named else Path.home() / ".ray" / "auth_token"
    try:
        return path.read_text().strip() or None
    except OSError as error:
        if named:
            what = f"the token's file cannot be read: {error.strerror}"
            raise ConfigurationError(what, where=f"RAY_AUTH_TOKEN_PATH={named}", hint="is the path right?") from error
    if mode == "token":
        what = "RAY_AUTH_MODE asks for a token, and there is none"
        raise ConfigurationError(what, where="RAY_AUTH_TOKEN", hint=TOKEN_HINT)
    return None


def asks_for_token(address: str) -> bool:
    """Whether the cluster behind a dashboard's URL lets in only who has its token; one that cannot tell does not."""
    try:
        with urllib.request.urlopen(f"{address}/api/authentication_mode", timeout=SECONDS) as answer:
            return bool(json.load(answer).get("authentication_mode") == "token")
    except (OSError, ValueError, AttributeError):
        return False
