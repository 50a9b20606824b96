"""The token that guards a Ray cluster, found where Ray's own clients look for it."""

from __future__ import annotations

import os
from pathlib import Path

from hpo.errors import ConfigurationError

TOKEN_HINT = "export RAY_AUTH_TOKEN=... of the cluster, or RAY_AUTH_TOKEN_PATH=FILE"


def headers_of_token() -> dict[str, str]:
    """The header that carries the token to the dashboard; none where there is no token.

    Raises:
        ConfigurationError: the token's file cannot be read, or a token is asked for and there is none.
    """
    token = _token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _token() -> str | None:
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
