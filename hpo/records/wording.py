"""How numbers and foreign text are put into words, the same in terminal, note and model card."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from hpo.config.models import StudyConfig
from hpo.config.space import Constant

# Control characters (C0, DEL, C1), zero-width and bidirectional marks: they move the cursor, hide or reorder text.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~$])")


def clean(text: object, limit: int = 300) -> str:
    r"""One line of text without control characters, cut at ``limit`` characters.

    >>> clean("out of\nmemory \x1b[31m")
    'out of memory [31m'
    """
    line = " ".join(_CONTROL.sub(" ", str(text)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def shown(text: object) -> str:
    r"""Text for a terminal, whole and with its spaces, but without control characters and line breaks.

    >>> shown("  two\x1b[31m  spaces")
    '  two [31m  spaces'
    """
    return _CONTROL.sub(" ", str(text))


def markdown(text: object, limit: int = 300) -> str:
    r"""``clean`` text in which nothing is markdown, HTML or a table's border.

    >>> markdown("a|b <i>*c*</i>")
    'a\\|b &lt;i&gt;\\*c\\*&lt;/i&gt;'
    """
    return _MARKDOWN.sub(r"\\\1", html.escape(clean(text, limit), quote=False))


def metric(value: float | None) -> str:
    """A metric with four digits after the point, four significant ones where it is large or tiny; ``-`` where missing.

    >>> metric(0.59123), metric(12345.6), metric(0.0000123), metric(None)
    ('0.5912', '1.235e+04', '1.23e-05', '-')
    """
    if value is None:
        return "-"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"


def setting(value: Any) -> str:
    """A parameter's value in three significant digits, the exponent without padding.

    >>> setting(0.003), setting(2.34567e-05), setting(16), setting(0.1), setting(("q_proj", "v_proj"))
    ('3e-3', '2.35e-5', '16', '0.1', 'q_proj,v_proj')
    """
    if isinstance(value, float):
        if value != 0 and abs(value) < 0.01:
            digits, exponent = f"{value:.2e}".split("e")
            return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ",".join(setting(item) for item in value)
    return clean(value, 60)


def settings(values: Mapping[str, Any]) -> str:
    """``name=value`` pairs in their order.

    >>> settings({"learning_rate": 0.003, "batch_size": 16})
    'learning_rate=3e-3 batch_size=16'
    """
    return " ".join(f"{name}={setting(value)}" for name, value in values.items())


def searched(config: StudyConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the search chose: those of the space that are no constants, in the space's order."""
    return {
        name: values[name]
        for name, parameter in config.search_space.items()
        if name in values and not isinstance(parameter, Constant)
    }


def duration(seconds: float | None) -> str:
    """Seconds as people say them.

    >>> duration(0.0123), duration(12.34), duration(75), duration(3700), duration(200000), duration(None)
    ('12 ms', '12.3 s', '1 min 15 s', '1 h 1 min', '2 d 7 h', '-')
    """
    if seconds is None:
        return "-"
    if 0 < seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for larger, smaller, size, part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            return f"{whole // size} {larger} {whole % size // part} {smaller}"
    return f"{whole} s"


def seconds(value: float | None) -> str:
    """Seconds for a column of a table, without a unit; empty where missing.

    >>> seconds(12.34), seconds(0.0123), seconds(None)
    ('12.3', '0.012', '')
    """
    return "" if value is None else f"{value:.1f}" if value >= 1 else f"{value:.3f}"


def device_time(hours: float) -> str:
    """Device hours, or device seconds where that would be a row of zeros.

    >>> device_time(1.5), device_time(0.0123)
    ('1.50 device hours', '44.3 device seconds')
    """
    return f"{hours:.2f} device hours" if hours >= 0.1 else f"{hours * 3600:.1f} device seconds"


def money(dollars: float | None) -> str:
    """US dollars, or a dash.

    >>> money(1.5), money(0.0123), money(0.00001), money(None)
    ('$1.50', '$0.0123', '<$0.0001', '-')
    """
    if dollars is None:
        return "-"
    if 0 < dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:.4f}" if 0 < dollars < 0.1 else f"${dollars:.2f}"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "trial"), plural(2, "trial")
    ('1 trial', '2 trials')
    """
    return f"{count} {noun}" + ("" if count == 1 else "s")
