"""Claims about the checks of single texts: encoding, personal data, characters, lengths, outliers, vocabulary."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from hpo.data.rows import Rows
from hpo.errors import ConfigurationError
from hpo.evaluators.account_numbers import iban_at, luhn
from hpo.evaluators.check_encoding import Encoding
from hpo.evaluators.check_length import Length
from hpo.evaluators.check_outliers import Outliers
from hpo.evaluators.check_personal_data import PersonalData
from hpo.evaluators.check_registry import CHECKS
from hpo.evaluators.check_special_characters import SpecialCharacters
from hpo.evaluators.check_token_lengths import TokenLengths
from hpo.evaluators.check_vocabulary import Vocabulary, hdd, zipf_exponent


def rows(texts):
    frame = pd.DataFrame({"id": [f"row{i}" for i in range(len(texts))], "text": pd.Series(texts, dtype=object)})
    return Rows(frame, "text")


def found(check, *texts):
    """The flags of each text."""
    scores = check.score(rows(list(texts)))
    return [[name for name, flags in scores.flags.items() if flags[row]] for row in range(len(texts))]


def metric(check, name, scores):
    reduce = next(each.reduce for each in check.metrics if each.name == name)
    return reduce(scores.stats, np.ones(len(scores.ids)))


# Check digits: test numbers that the card networks publish, and examples of the SWIFT IBAN registry.
CARDS = ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "6011111111111117", "3530111333300000"]
IBANS = [
    "GB29 NWBK 6016 1331 9268 19",
    "DE89 3704 0044 0532 0130 00",
    "FR1420041010050500013M02606",
    "NO9386011117947",
    "CH93 0076 2011 6238 5295 7",
    "MT84MALT011000012345MTLCAST001S",
]


@pytest.mark.parametrize("card", CARDS)
def test_published_test_cards_are_found_and_others_are_not(card):
    wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert found(PersonalData(), f"paid with {card} 2 days ago", f"paid with {wrong} today") == [["payment_card"], []]


def test_luhn_of_the_patent_example():
    # "79927398713" is the number that ISO/IEC 7812-1's description is commonly illustrated with.
    assert [digit for digit in range(10) if luhn(f"7992739871{digit}")] == [3]


@pytest.mark.parametrize("iban", IBANS)
def test_registry_examples_of_ibans_are_found_and_others_are_not(iban):
    wrong = iban[:3] + str((int(iban[3]) + 1) % 10) + iban[4:]
    assert found(PersonalData(), f"to {iban} and so on", f"to {wrong} and so on")[0] == ["iban"]
    assert "iban" not in found(PersonalData(), f"to {wrong} and so on")[0]
    assert iban_at(f"to {iban} AND", 3) == 3 + len(iban)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to anna.miller@firma.co.uk, please", "email"),
        ("(a_b+c@x-y.example)", "email"),
        ("connect from 192.0.2.235", "ip_address"),
        ("host 10.1.2.3 is down", "ip_address"),
        ("at 2001:db8:85a3::8a2e:370:7334 today", "ip_address"),
        ("1f:2e:3d:4c:5b:6a:7988:8777", "ip_address"),
        ("+49 30 1234567", "phone"),
        ("+1 (212) 555-0123", "phone"),
        ("(212) 555-0123", "phone"),
        ("212-555-0123", "phone"),
        ("tel. 030 / 123 45 67", "phone"),
    ],
)
def test_personal_data_is_found_with_its_kind_and_place(text, kind):
    scores = PersonalData().score(rows(["nothing", text]))
    assert [name for name, flags in scores.flags.items() if flags.any()] == [kind]
    begin, end = scores.evidence["span"][1]
    assert scores.evidence["piece"] == [None, text[begin:end]]


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4 of the library",
        "depends on libfoo (>= 2.10.0.102)",
        "v10.20.30.140",
        "section 4.1.2.200",
        "1.2.3.4.5",
        "the network 169.254.0.0/16",
        "localhost is 127.0.0.1, the mask 255.255.255.0",
        "ISBN 978-3-1614-8410-0",
        "2024-01-31 12:34:56",
        "order 123456789",
        "commit 8f14e45fceea167a5a36dedd4bea2543c9a1b2d3",
        "by @anna, 3@4, icon@2x.png",
        "std::vector, Foo::Bar::Baz, 00:1b:44:11:3a:b7",
        "pi is 3.14159265358979 and 1 000 000 000 more",
        "DE12 is a room, GB29 too",
        "0x1234567890123456",
        "RFC 2821, bug 123456, 1990-2024",
    ],
)
def test_what_looks_like_personal_data_is_not_flagged(text):
    assert found(PersonalData(), text) == [[]]


ACCENTS = [
    "café",
    "naïve Zürich",
    "señor Dvořák’s œuvre",
    "“quoted” – 3 €",
    "Ελληνικά",
    "日本語",
    "GRÃO PÃO",
]


@pytest.mark.parametrize("text", ACCENTS)
def test_clean_accents_are_no_damage(text):
    assert found(Encoding(), text) == [[]]


@pytest.mark.parametrize(
    "text", ["a café on the corner", "naïve and “quoted”", "Dvořák in Zürich", "it costs 3 € only"]
)
@pytest.mark.parametrize("times", [1, 2])
def test_text_in_a_wrong_encoding_is_found_and_repaired(text, times):
    broken = text
    for _ in range(times):
        broken = broken.encode().decode("latin-1")
    scores = Encoding().score(rows(["clean", broken]))
    assert scores.stats["damaged"].tolist() == [0.0, 1.0]
    assert scores.flags["mojibake"].tolist() == [False, True]
    assert scores.evidence["fixed"] == [None, text]


def test_control_and_replacement_characters_are_found():
    texts = ["tab\tand\r\nline", "bell\x07", "delete\x7f", "nul\x00", "C1 \x9d", "lost \ufffd"]
    flags = found(Encoding(), *texts)
    assert ["control_characters" in each for each in flags] == [False, True, True, True, True, False]
    assert ["replacement_character" in each for each in flags] == [False] * 5 + [True]


def test_special_characters_are_counted():
    scores = SpecialCharacters().score(rows(["(plain) text, isn't it?", "ab~^", "é日क़"]))
    assert scores.stats["special"].tolist() == [0, 2, 0]
    assert scores.flags["special_characters"].tolist() == [False, True, False]
    assert metric(SpecialCharacters(), "special_character_ratio", scores) == pytest.approx(2 / (23 + 4 + 4))


def test_short_rows_are_strange_only_among_long_ones():
    long = "these are quite a few words that tell us something"
    assert found(Length(), long, long, "two words", " \n") == [[], [], ["short"], ["empty"]]
    assert found(Length(), "yes", "no", "two words") == [[], [], []]
    assert found(Length(min_words=3, max_words=5), "yes", "one two three four five six") == [["short"], ["long"]]


def test_tokens_beyond_the_length_are_cut():
    check = TokenLengths(lambda texts: [[7 if word == "odd" else 1 for word in text.split()] for text in texts], 3, 7)
    scores = check.score(rows(["a b c", "a odd c d", "odd"]))
    assert scores.stats["tokens"].tolist() == [3, 4, 1]
    assert scores.flags["truncated"].tolist() == [False, True, False]
    assert metric(check, "unknown_token_ratio", scores) == pytest.approx(2 / 8)
    with pytest.raises(ConfigurationError, match="max_length is 0"):
        TokenLengths(list, 0)


def prose(count, seed, words=40):
    draw = random.Random(seed)
    vocabulary = [f"{draw.choice('bcdfgm')}{draw.choice('aeiou')}{draw.choice('lnrst')}{i % 97}" for i in range(5_000)]
    weights = [1 / rank for rank in range(1, 5_001)]
    return [" ".join(draw.choices(vocabulary, weights, k=draw.randrange(words // 2, 2 * words))) for _ in range(count)]


def test_rows_of_another_kind_are_outliers_and_others_are_not():
    draw = random.Random(1)
    blob = "".join(draw.choices("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789+/", k=600))
    texts = [*prose(300, 0), blob, "again " * 300, "|=-_ *#<> {}[] \\/~^ " * 20, " ".join(prose(60, 2))]
    scores = Outliers().score(rows(texts))
    assert np.flatnonzero(scores.flags["outlier"]).tolist() == [300, 301, 302, 303]
    blob, repeated, symbols, glued = scores.evidence["reason"][300:]
    assert "word length above" in blob
    assert "repetition above" in repeated
    assert "unusual characters above" in symbols
    assert "length above" in glued


def test_rows_all_alike_have_no_outliers():
    assert Outliers().score(rows(["the same words"] * 20 + ["other same words here"])).stats["outlier"].sum() == 0


def test_hdd_of_a_closed_form():
    # Four words three times each: a sample of 2 lacks a word with C(9,2)/C(12,2) = 36/66 (McCarthy and Jarvis 2010).
    assert hdd(np.full(4, 3.0), 2) == pytest.approx(4 * (1 - 36 / 66) / 2)
    assert hdd(np.ones(100)) == pytest.approx(1.0)
    assert np.isnan(hdd(np.ones(41)))


def test_hdd_is_what_samples_have_in_the_mean():
    counts = np.array([30.0, 12, 9, 5, 2, 1, 1])
    words, rng = np.repeat(np.arange(7), counts.astype(int)), np.random.default_rng(0)
    drawn = [len(set(rng.permutation(words)[:42])) / 42 for _ in range(4_000)]
    assert hdd(counts) == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / np.sqrt(4_000))


def test_richness_does_not_depend_on_the_number_of_rows():
    check = Vocabulary()
    small, large = (check.score(rows(prose(3_000, 0)[:count])) for count in (300, 3_000))
    one, ten = metric(check, "vocabulary_richness", small), metric(check, "vocabulary_richness", large)
    assert abs(ten / one - 1) < 0.02
    assert metric(check, "vocabulary_size", large) > 1.5 * metric(check, "vocabulary_size", small)


def test_zipf_exponent_of_exact_frequencies_is_recovered():
    assert zipf_exponent(1e6 * np.arange(1, 2_000) ** -1.2) == pytest.approx(1.2, abs=1e-4)


def test_words_and_types_are_counted_per_row():
    scores = Vocabulary().score(rows(["A cat, a dog", "", "cat"]))
    assert scores.stats["words"].tolist() == [4, 0, 1]
    assert scores.stats["types"].tolist() == [3, 0, 1]
    assert metric(Vocabulary(), "vocabulary_size", scores) == 3
    assert metric(Vocabulary(), "rare_word_ratio", scores) == pytest.approx(1 / 5)


@pytest.mark.parametrize("name", [name for name in CHECKS if name != "token_lengths"])
def test_every_check_bears_odd_rows(name):
    texts = ["", " ", "a", "!!!", "half a pair \ud83d", "x" * 10_000, "日本語\x1e two", None, 5.0]
    data = Rows(rows(texts).frame.assign(label=pd.Series(["a", "b", None] * 3, dtype=object)), "text_label")
    check = CHECKS[name]()
    scores = check.score(data, None, check.prepare(data))
    assert all(len(values) == len(texts) for values in (*scores.stats.values(), *scores.flags.values()))
    assert all(len(values) == len(texts) for values in scores.evidence.values())
