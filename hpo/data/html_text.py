"""Text out of HTML: tags, comments, scripts and styles go, character references become characters."""

from __future__ import annotations

import html
import re

_BREAKING = (
    "address article aside blockquote br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main"
    " nav ol option p pre section table tbody td tfoot th thead tr ul"
)
_INLINE = (
    "a abbr acronym area audio b base bdi bdo big body button canvas caption center cite code col colgroup data"
    " datalist del details dfn dialog em embed figcaption font frame frameset head hgroup html i iframe img input ins"
    " kbd label legend link map mark meta meter noscript object optgroup output param picture progress q rp rt ruby s"
    " samp script select small source span strike strong style sub summary sup svg template textarea time title track"
    " tt u var video wbr"
)
_ELEMENTS = f"{_BREAKING} {_INLINE}".split()
_STARTS_A_LINE = frozenset(_BREAKING.split())
_UNSEEN = re.compile(r"<!--.*?-->|<!doctype[^>]*>|<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(rf"</?({'|'.join(_ELEMENTS)})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def strip_html(text: str) -> str:
    """The text without markup; an element that begins a line in a browser leaves a line break.

    Only elements that HTML has are tags, so that ``<stdio.h>``, ``a < b`` and ``<me@home.org>`` stay. References
    are read once: ``&amp;lt;`` becomes ``&lt;``.
    """
    if "<" in text:
        text = _UNSEEN.sub("", text)
        text = _TAG.sub(lambda tag: "\n" if tag[1].lower() in _STARTS_A_LINE else "", text)
    return _REFERENCE.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text
