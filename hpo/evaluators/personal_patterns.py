"""The rules by which pieces of text count as personal data, and what looks alike but is none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hpo.evaluators.account_numbers import iban_at, is_card


@dataclass(frozen=True)
class Piece:
    """A piece of personal data: what it is, and where it stands in the text (characters, end exclusive)."""

    kind: str
    begin: int
    end: int


# Addresses with a local part, an at-sign and a domain of letters: not `@handle`, `a@b`, `2.5@1.0`, `icon@2x.png`.
_EMAIL = re.compile(
    r"(?<![\w.%+-])[A-Za-z0-9](?:[\w.%+-]{0,62}[\w%+-])?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}(?![\w-])"
)
_FILES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".js", ".css")

# Four numbers of at most 255 with dots, no fifth: see _is_address.
_IPV4 = re.compile(r"(?<![\w.+-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w+-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)")
_VERSION = re.compile(
    r"(?:\b(?:v|ver|version|release|revision|rev|build|firmware|kernel|driver|update|patch|section|chapter)s?\.?"
    r"|[<>=~^(])[\s:]*$",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"\b(?:ip|ipv4|address|addr|host|server|client|router|gateway|dns|nameserver|ping|ssh|connect\w*|from|to|at)\W{0,3}$"
    r"|://$",
    re.IGNORECASE,
)

# A plus and a country's code; or North America's 3-3-4 whose area and exchange begin with 2 to 9; or, after a word for
# it, any 7 to 15 digits.
_PHONE = re.compile(
    r"(?<![\w.+/-])(?:"
    r"\+[1-9]\d{0,2}(?:[ .-]?\(\d{1,5}\))?(?:[ .-]?\d{2,}){1,6}"
    r"|\(00[1-9]\d{0,2}\)[ .-]?\d{2,}(?:[ .-]?\d{2,}){0,4}"
    r"|00[1-9]\d{0,2}[ -]\d{1,4}(?:[ -]\d{2,5}){1,4}"
    r"|(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d-)[2-9]\d\d[ -]\d{4}"
    r")(?![\w]|[.-]\d)"
)
_CALLED = re.compile(
    r"\b(?:tel|telephone|phone|fax|mobile|cell|call|dial|whatsapp|hotline|telefon|handy)\b(?: (?:us|me|no|number))?"
    r"[ .:]{0,3}((?:\(0?\d{1,5}\)|\d)(?:[ ./()-]{0,3}\d){6,14})(?![\w]|[.-]\d)",
    re.IGNORECASE,
)
_OTHER_NUMBER = re.compile(r"\b(?:isbn|issn|order|invoice|ticket|bug|rfc|cve|id|no|nr|doi|pmid)\W{0,4}$", re.IGNORECASE)

_CARD = re.compile(r"(?<![\w.+/-])[2-6](?:[ -]?\d){12,18}(?![\w]|[.-]\d)")
_IBAN = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?=[ 0-9A-Z]{11})")


def find(text: str) -> list[Piece]:
    """All personal data in a text, in order; no two pieces overlap."""
    found: list[Piece] = []
    for kind, search in KINDS.items():
        for begin, end in search(text):
            if all(end <= other.begin or begin >= other.end for other in found):
                found.append(Piece(kind, begin, end))
    return sorted(found, key=lambda piece: piece.begin)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if not match[0].lower().endswith(_FILES):
                yield match.span()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        if end := iban_at(text, match.start()):
            yield match.start(), end


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        ends = [place for place in range(match.end(), match.start(), -1) if not text[place : place + 1].isdigit()]
        for end in ends:  # the longest first: a number of something else may follow
            if is_card(text[match.start() : end]):
                yield match.start(), end
                break


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(text):
        digits = sum(letter.isdigit() for letter in match[0])
        if 8 <= digits <= 15 and not _OTHER_NUMBER.search(text[max(match.start() - 12, 0) : match.start()]):
            yield match.span()
    for match in _CALLED.finditer(text):
        yield match.span(1)


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for match in _IPV4.finditer(text):
        if _is_address(match[0], text[max(match.start() - 24, 0) : match.start()]):
            yield match.span()
    for match in _IPV6.finditer(text):
        if _is_ipv6(match[0]):
            yield match.span()


def _is_address(dotted: str, before: str) -> bool:
    """Whether four numbers are an address rather than a version.

    They are where a word for a host stands before them, or any is over 99; never where a word or sign for a version
    stands before them, nor where one has a leading zero. The host itself (127.0.0.1), networks
    (the last number is 0) and masks (255.x) are nobody's.
    """
    numbers = dotted.split(".")
    if any(len(number) > 1 and number[0] == "0" for number in numbers) or _VERSION.search(before):
        return False
    if numbers[0] in ("0", "255") or numbers[3] == "0" or dotted in ("127.0.0.1", "127.0.1.1"):
        return False
    return any(int(number) > 99 for number in numbers) or _HOST.search(before) is not None


def _is_ipv6(text: str) -> bool:
    """Whether it is a whole address that names a host: eight groups or ``::``, three groups and a digit at least."""
    if sum(map(bool, text.split(":"))) < 3 or not any(letter.isdigit() for letter in text):
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


# The order decides which of two readings of the same digits counts.
KINDS: Mapping[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "email": _emails,
    "iban": _ibans,
    "payment_card": _cards,
    "ip_address": _addresses,
    "phone": _phones,
}
