"""Plants faults in single rows, with a manifest: personal data, damaged encoding, empty rows, outliers, bad formats."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from benchmarks.planted_injector import Planted, Spoilt

Text = tuple[str, dict[str, Any]]  # a text with a defect, and how it was made
Make = Callable[[str], Text]
FIRST_NAMES = ("anna", "luis", "mei", "omar", "ingrid", "pavel", "grace", "yusuf", "chloe", "tomas")
LAST_NAMES = ("miller", "garcia", "chen", "haddad", "larsen", "novak", "okafor", "demir", "martin", "kowalski")
ACCENTS = (
    "café",
    "naïve",
    "Zürich",
    "Ångström",
    "señor",
    "façade",
    "Dvořák",
    "œuvre",
    "“quoted”",
    "3 €",
    "día – noche",
)


def personal_data(frame: pd.DataFrame, share: float, seed: int) -> Spoilt:
    """E-mail, IP address, phone, payment card and IBAN into rows; decoys that look alike into others."""
    rng = random.Random(seed)
    return _into_rows(frame, share, rng, {**_personal(rng), **_decoys(rng)})


def encoding(frame: pd.DataFrame, share: float, seed: int) -> Spoilt:
    """Text read with the wrong encoding once and twice, replacement and control characters; clean accents as decoys."""
    rng = random.Random(seed)

    def accented(text: str) -> str:
        words = text.split()
        for _ in range(3):
            words.insert(rng.randrange(len(words) + 1), rng.choice(ACCENTS))
        return " ".join(words)

    def wrongly_read(text: str) -> str:
        raw = accented(text).encode("utf-8")
        try:
            return raw.decode("cp1252")
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def twice(text: str) -> str:
        return wrongly_read(text).encode("utf-8").decode("latin-1")

    def replaced(text: str) -> str:
        return (accented(text) + " déjà vu").encode("latin-1", "ignore").decode("utf-8", "replace")

    def control(text: str) -> str:
        place = rng.randrange(len(text))
        return text[:place] + rng.choice("\x00\x07\x08\x1b\x7f\x9d") + text[place:]

    makers = {
        "mojibake": wrongly_read,
        "double": twice,
        "replacement": replaced,
        "control": control,
        "decoy_accents": accented,
    }
    return _into_rows(frame, share, rng, {name: _constant(make) for name, make in makers.items()})


def lengths(frame: pd.DataFrame, share: float, seed: int) -> Spoilt:
    """Rows emptied, and rows cut to one or two words."""
    rng = random.Random(seed)
    makers = {
        "empty": lambda text: rng.choice(["", " ", "\n\t"]),
        "short": lambda text: " ".join(text.split()[: rng.choice([1, 2])]),
    }
    return _into_rows(frame, share, rng, {name: _constant(make) for name, make in makers.items()})


def outliers(frame: pd.DataFrame, share: float, seed: int) -> Spoilt:
    """Rows that are no text of this kind: encoded data, one word over and over, symbols, thirty rows glued together."""
    rng = random.Random(seed)
    texts = frame["text"].tolist()
    makers = {
        "blob": lambda text: "".join(rng.choices(string.ascii_letters + string.digits + "+/", k=600)),
        "repeated": lambda text: " ".join([text.split()[0]] * 300),
        "symbols": lambda text: " ".join("".join(rng.choices("|=-_*#<>{}[]\\/~^", k=8)) for _ in range(60)),
        "glued": lambda text: " ".join(rng.sample(texts, 30)),
    }
    return _into_rows(frame, share, rng, {name: _constant(make) for name, make in makers.items()})


def _constant(make: Callable[[str], str]) -> Make:
    return lambda text: (make(text), {})


def _into_rows(
    frame: pd.DataFrame,
    share: float,
    rng: random.Random,
    makers: dict[str, Make],
) -> Spoilt:
    """Each maker's defect into its own ``share`` of the rows (at most as many as there are rows)."""
    each = max(1, min(int(share * len(frame)), len(frame) // len(makers)))
    chosen = rng.sample(range(len(frame)), each * len(makers))
    texts, manifest = frame["text"].tolist(), []
    for number, position in enumerate(chosen):
        defect = list(makers)[number % len(makers)]
        texts[position], parameters = makers[defect](texts[position])
        manifest.append(Planted(frame["id"].iloc[position], defect, parameters=parameters))
    return Spoilt(frame.assign(text=texts), manifest)


def _personal(rng: random.Random) -> dict[str, Make]:
    def email() -> str:
        person = rng.choice(FIRST_NAMES) + rng.choice([".", "_", ""]) + rng.choice(LAST_NAMES)
        return f"{person}@{rng.choice(['mail', 'post', 'firma'])}.{rng.choice(['example', 'org', 'co.uk', 'de'])}"

    def address() -> str:
        if rng.random() < 0.25:
            return ":".join(f"{rng.randrange(1, 65536):x}" for _ in range(8))
        return ".".join(str(rng.randrange(11, 255)) for _ in range(4))

    def phone() -> str:
        digits = [str(rng.randrange(10)) for _ in range(7)]
        return rng.choice(
            [
                f"+49 30 {''.join(digits)}",
                f"+1 (212) {''.join(digits[:3])}-{''.join(digits[3:])}",
                f"(212) 5{''.join(digits[:2])}-{''.join(digits[3:])}",
                f"+44 20 {''.join(digits[:4])} {''.join(digits[3:])}",
                f"212-5{''.join(digits[:2])}-{''.join(digits[3:])}",
            ]
        )

    def card() -> str:
        digits = [4, *(rng.randrange(10) for _ in range(14))]
        digits.append((10 - _luhn(digits)) % 10)
        text = "".join(map(str, digits))
        return rng.choice(
            [
                text,
                " ".join(text[i : i + 4] for i in range(0, 16, 4)),
                "-".join(text[i : i + 4] for i in range(0, 16, 4)),
            ]
        )

    def iban() -> str:
        account = "".join(str(rng.randrange(10)) for _ in range(18))
        check = 98 - int(account + "131400") % 97  # DE00
        text = f"DE{check:02d}{account}"
        return rng.choice([text, " ".join(text[i : i + 4] for i in range(0, 22, 4))])

    before = {
        "email": ["write to", "mail"],
        "ip_address": ["host", "connect from"],
        "phone": ["call", "tel"],
        "payment_card": ["card", "paid with"],
        "iban": ["account", "IBAN"],
    }
    makers = {"email": email, "ip_address": address, "phone": phone, "payment_card": card, "iban": iban}
    return {name: _inserted(rng, make, before[name]) for name, make in makers.items()}


def _decoys(rng: random.Random) -> dict[str, Make]:
    def isbn() -> str:
        digits = [9, 7, 8, *(rng.randrange(10) for _ in range(9))]
        digits.append((10 - sum(d * (1 if i % 2 == 0 else 3) for i, d in enumerate(digits))) % 10)
        text = "".join(map(str, digits))
        return f"ISBN {text[:3]}-{text[3]}-{text[4:8]}-{text[8:12]}-{text[12]}"

    def date() -> str:
        day = f"{rng.randrange(1990, 2026)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
        return f"{day} {rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"

    makers = {
        "version": lambda: f"version {rng.randrange(1, 9)}.{rng.randrange(10)}.{rng.randrange(20)}.{rng.randrange(9)}",
        "isbn": isbn,
        "date": date,
        "hash": lambda: "commit " + "".join(rng.choices("0123456789abcdef", k=40)),
        "order": lambda: "order " + "".join(str(rng.randrange(10)) for _ in range(9)),
        "handle": lambda: "@" + rng.choice(FIRST_NAMES),
    }
    return {"decoy_" + name: _inserted(rng, make, [""]) for name, make in makers.items()}


def _inserted(rng: random.Random, make: Callable[[], str], before: Sequence[str]) -> Make:
    def insert(text: str) -> Text:
        words, piece = text.split(), make()
        place = rng.randrange(len(words) + 1)
        return " ".join([*words[:place], *rng.choice(before).split(), piece, *words[place:]]), {"piece": piece}

    return insert


def _luhn(digits: Sequence[int]) -> int:
    """Sum whose complement to ten is the check digit that follows ``digits`` (15 of them)."""
    return sum(d if i % 2 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10


# Formats


def formats(seed: int, rows: int = 400) -> Iterator[tuple[str, pd.DataFrame, list[Planted]]]:
    """Files of the four formats with broken rows among sound ones: name, frame, manifest."""
    rng = random.Random(seed)
    yield _broken("text_label", rows, rng, lambda i: {"text": f"row {i} tells of something", "label": str(i % 3)}, {
        "empty_text": lambda row: {**row, "text": "  "},
        "no_label": lambda row: {**row, "label": None},
        "nested_text": lambda row: {**row, "text": ["a", "list"]},
    })  # fmt: skip
    yield _broken("instruction", rows, rng, lambda i: {"instruction": f"Say {i}.", "input": "", "output": str(i)}, {
        "no_output": lambda row: {**row, "output": ""},
        "no_instruction": lambda row: {**row, "instruction": None},
        "nested_output": lambda row: {**row, "output": {"text": "x"}},
    })  # fmt: skip
    yield _broken("messages", rows, rng, _conversation, {
        "unknown_role": lambda row: {"messages": [{**row["messages"][0], "role": "human"}, row["messages"][1]]},
        "no_answer": lambda row: {"messages": row["messages"][:1]},
        "empty_answer": lambda row: {"messages": [row["messages"][0], {"role": "assistant", "content": " "}]},
        "wrong_order": lambda row: {"messages": row["messages"][::-1]},
        "no_list": lambda row: {"messages": "What is it?"},
        "no_content": lambda row: {"messages": [row["messages"][0], {"role": "assistant"}]},
    })  # fmt: skip


def _conversation(number: int) -> dict[str, Any]:
    question, answer = f"What is {number}?", f"It is {number}."
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def _broken(
    name: str,
    rows: int,
    rng: random.Random,
    sound: Callable[[int], dict[str, Any]],
    faults: dict[str, Callable[[dict[str, Any]], dict[str, Any]]],
) -> tuple[str, pd.DataFrame, list[Planted]]:
    records = [{"id": f"{name}-{i}", **sound(i)} for i in range(rows)]
    chosen = rng.sample(range(rows), 10 * len(faults))
    manifest = []
    for number, position in enumerate(chosen):
        fault = list(faults)[number % len(faults)]
        records[position] = {
            "id": records[position]["id"],
            **faults[fault]({k: v for k, v in records[position].items() if k != "id"}),
        }
        manifest.append(Planted(records[position]["id"], fault))
    return name, pd.DataFrame(records, dtype=object), manifest
