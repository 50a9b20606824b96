"""The frame of a report: one HTML file that needs no network, with plotly.js, style and script inside."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from hpo.data.whole import write_text
from hpo.errors import DataError
from hpo.report.escaping import excerpt, script_json, visible

if TYPE_CHECKING:
    from jinja2 import Environment

LARGEST = 6_000_000  # bytes of a page; plotly.js takes 4.8 million of them


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        key: the anchor of its heading, unique on the page; small letters and hyphens.
        title: its heading.
        body: what stands in it, escaped already.
        lead: one or two sentences under the heading.
        menu: its name in the menu; the title where empty.
    """

    key: str
    title: str
    body: Markup
    lead: str = ""
    menu: str = ""


@dataclass(frozen=True)
class Plot:
    """A figure in plotly's JSON shape (``data`` and ``layout``) with what it is chosen by where there are several."""

    figure: Mapping[str, Any]
    choice: str = ""


def render(title: str, sections: Sequence[Section], out: Path) -> None:
    """Write a page.

    Args:
        title: of the page.
        sections: in their order.
        out: the file to write; its folder is made where it is missing.

    Raises:
        DataError: the file cannot be written.
    """
    style, script, drawing = _asset("page.css"), _asset("page.js"), plotly()
    text = fill(
        "page.html",
        title=title,
        sections=sections,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        style=Markup(style),
        script=Markup(script),
        plotly=Markup(drawing),
        hashes=[_hash(drawing), _hash(script)],
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_text(out, text)
    except OSError as error:
        raise DataError(f"cannot write the page: {error.strerror}", where=str(out), hint="name another file") from None


def fill(template: str, **values: Any) -> Markup:
    """A template of this folder with its values; every value is escaped but ``Markup``."""
    return Markup(_environment().get_template(template).render(**values))


def plots(figures: Sequence[Plot], caption: str, *, name: str = "") -> Markup:
    """Figures of which one is shown at a time, chosen from a list where there are several; empty without figures.

    Args:
        figures: at least one, else nothing is written.
        caption: what is seen, and how to read it.
        name: what the list of choices is called.
    """
    if not figures:
        return Markup("")
    specs = [Markup(script_json(each.figure)) for each in figures]
    choices = [each.choice for each in figures]
    height = max(int(each.figure["layout"].get("height", 320)) for each in figures)
    return fill("figure.html", specs=specs, choices=choices, caption=caption, name=name, height=height)


def plot(figure: Mapping[str, Any] | None, caption: str) -> Markup:
    """A single figure with its caption; empty without a figure."""
    return Markup("") if figure is None else plots([Plot(figure)], caption)


def joined(*parts: Markup) -> Markup:
    """Parts of a section, one after the other."""
    return Markup("\n").join(part for part in parts if part)


@cache
def plotly() -> str:
    """The drawing library, as it stands in a script block."""
    from plotly.offline import get_plotlyjs

    return re.sub("</(?=script)", r"<\\/", str(get_plotlyjs()), flags=re.IGNORECASE)


@cache
def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """What the page's security policy names a script by: only scripts with such a hash run in it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("hpo.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(visible=_kept(visible), excerpt=_kept(excerpt))
    return made


def _kept(change: Any) -> Any:
    """A filter that leaves markup of ours alone."""
    return lambda text, *rest: text if isinstance(text, Markup) else change(text, *rest)
