"""Check digits of payment cards (ISO/IEC 7812-1) and international bank account numbers (ISO 13616)."""

from __future__ import annotations

# Characters of an IBAN by country, as the SWIFT IBAN registry (release 99) gives them.
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip

# First digits and lengths of the cards in use: Visa, Mastercard, American Express, Discover, JCB, Diners, UnionPay.
_CARDS: tuple[tuple[int, int, int, tuple[int, ...]], ...] = (
    (1, 4, 4, (13, 16, 19)),
    (2, 51, 55, (16,)),
    (4, 2221, 2720, (16,)),
    (2, 34, 34, (15,)),
    (2, 37, 37, (15,)),
    (4, 6011, 6011, (16, 19)),
    (3, 644, 659, (16, 19)),
    (4, 3528, 3589, (16, 19)),
    (3, 300, 305, (14,)),
    (2, 36, 36, (14,)),
    (2, 38, 39, (14,)),
    (2, 62, 62, (16, 17, 18, 19)),
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (Luhn 1960, US patent 2950048)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(text: str) -> bool:
    """Whether digits, parted by spaces or hyphens or not, are a card's number: first digits, length, check digit."""
    digits = "".join(letter for letter in text if letter.isdigit())
    known = any(
        low <= int(digits[:first]) <= high and len(digits) in lengths
        for first, low, high, lengths in _CARDS
        if len(digits) >= 13
    )
    return known and len(set(digits)) > 1 and luhn(digits)


def iban_at(text: str, begin: int) -> int:
    """Where the IBAN that begins at ``begin`` ends in the text, single spaces in it allowed; 0 where there is none.

    Its length must be its country's, and its number modulo 97 be 1 (ISO 7064, MOD 97-10).
    """
    length = IBAN_LENGTHS.get(text[begin : begin + 2], 0)
    letters, end = "", begin
    while len(letters) < length and end < len(text):
        letter = text[end]
        if letter.isascii() and (letter.isupper() or letter.isdigit()):
            letters += letter
        elif letter != " " or text[end - 1] == " ":
            return 0
        end += 1
    closed = end == len(text) or not (text[end].isalnum() or text[end] == "_")
    return end if length and len(letters) == length and closed and _mod_97(letters) == 1 else 0


def _mod_97(letters: str) -> int:
    turned = letters[4:] + letters[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97
