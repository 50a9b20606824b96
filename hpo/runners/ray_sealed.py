"""Variables of a job, sealed on the way to it: Ray writes what it is handed to its store and its logs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from hpo.errors import ConfigurationError
from hpo.runners.ray_token import TOKEN_HINT, token

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

SEALED = "HPO_SEALED"
_EARLY = re.compile(r"PATH|PYTHON\w*|LD_\w+")  # read before the study's command begins, which unseals the others
_SALT_BYTES = 16


def sealable(names: Iterable[str]) -> list[str]:
    """Those names whose values can be sealed; the others are needed before anything could unseal them."""
    return [name for name in names if not _EARLY.fullmatch(name)]


def seal(variables: Mapping[str, str], key: str) -> dict[str, str]:
    """The variables with all values that can be sealed in one, which only a holder of the key can read.

    Fernet (AES-128-CBC and HMAC-SHA256, of the package cryptography) under a key that scrypt derives from the
    cluster's token and a random salt.

    Args:
        variables: values by name.
        key: the cluster's token.

    Raises:
        ConfigurationError: the package cryptography is not installed.
    """
    hidden = {name: variables[name] for name in sealable(variables)}
    if not hidden:
        return dict(variables)
    salt = os.urandom(_SALT_BYTES)
    content = _cipher(key, salt).encrypt(json.dumps(hidden).encode())
    plain = {name: value for name, value in variables.items() if name not in hidden}
    return {**plain, SEALED: base64.urlsafe_b64encode(salt + content).decode()}


def unseal() -> None:
    """Put sealed variables, where this process was handed some, into its environment.

    Raises:
        ConfigurationError: this process has another token than the machine that sealed them, or none.
    """
    sealed = os.environ.pop(SEALED, None)
    if sealed is None:
        return
    what, hint = "the variables that --env handed over cannot be unsealed", TOKEN_HINT
    key = token()
    if not key:
        raise ConfigurationError(f"{what}: the job has no token of the cluster", where=SEALED, hint=hint)
    try:
        given = base64.urlsafe_b64decode(sealed)
        found = json.loads(_cipher(key, given[:_SALT_BYTES]).decrypt(given[_SALT_BYTES:]))
    except ConfigurationError:
        raise
    except Exception as error:  # InvalidToken of a package that is imported late; anything but our own text
        reason = f"{what}: the job has another token than the machine that submitted it"
        raise ConfigurationError(reason, where=SEALED, hint="--cluster-env NAME, for what the cluster sets") from error
    os.environ.update(found)


def _cipher(key: str, salt: bytes) -> Fernet:
    try:
        from cryptography.fernet import Fernet
    except ImportError:
        hint = "pip install -c constraints.txt '.[ray]'"
        raise ConfigurationError("variables are sealed with cryptography, which is not installed", hint=hint) from None
    # 32 MiB and about 0.1 s a guess: a token that a person made up may be a guessable one
    derived = hashlib.scrypt(key.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    return Fernet(base64.urlsafe_b64encode(derived))
