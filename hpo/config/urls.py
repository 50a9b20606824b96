"""URLs that fsspec opens: which text is one, what is wrong with it, and how it is shown without its secrets."""

from __future__ import annotations

import re

_SECRET = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
_QUOTED = re.compile(r"[\"'`]([A-Za-z0-9_.-]+)[\"'`]")
LOST = ("memory",)  # protocols whose files end with the process


def is_url(text: object) -> bool:
    """Whether ``text`` names a place by URL.

    >>> is_url("s3://bucket/runs"), is_url("runs"), is_url(None)
    (True, False, False)
    """
    return "://" in str(text)


def masked(text: str) -> str:
    """``text`` with the passwords of URLs replaced by ``***``.

    >>> masked("sftp://ana:secret@host/runs")
    'sftp://ana:***@host/runs'
    """
    return _SECRET.sub(r"\1:***@", text)


def url_fault(url: str) -> tuple[str, str] | None:
    """What is wrong with a URL before anything is connected to, and how to mend it; None where nothing is."""
    protocol = url.partition("://")[0]
    if protocol in LOST:
        return f"what lies at {protocol}:// is lost when the process ends", "name a folder, or a URL that lasts"
    try:
        from fsspec.registry import get_filesystem_class
    except ImportError:
        return "a URL needs the package fsspec", "pip install fsspec, and what its protocol needs"
    try:
        get_filesystem_class(protocol)
    except ValueError:
        return f"the protocol {protocol}:// is not known", "such as s3://bucket/runs or gs://bucket/runs"
    except ImportError as error:
        package = _package(protocol, str(error))
        return f"{protocol}:// needs the package {package}, which is not installed", f"pip install {package}"
    return None


def _package(protocol: str, message: str) -> str:
    """The package that the protocol's file system comes from, or that it misses."""
    from fsspec.registry import known_implementations

    home = str(known_implementations.get(protocol, {}).get("class", "")).partition(".")[0]
    named = _QUOTED.findall(message)
    return home if home and home != "fsspec" else named[-1] if named else protocol
