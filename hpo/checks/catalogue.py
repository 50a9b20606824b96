"""The checks by name: which evaluator finds what, which of its metrics is the value, and what that is for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckSpec:
    """A check as people see it: one value and one kind of finding.

    Attributes:
        name: of the check.
        evaluator: name in ``hpo.evaluators.check_registry.CHECKS``.
        metric: of the evaluator, which is the value.
        flags: of the evaluator, each row with one of which is a finding.
        what: one sentence.
        needs: columns without which it cannot run.
        more: whether the evaluator's other metrics are told with it; one check of each evaluator has them.
    """

    name: str
    evaluator: str
    metric: str
    flags: tuple[str, ...]
    what: str
    needs: tuple[str, ...] = ("text",)
    more: bool = True


SPECS: tuple[CheckSpec, ...] = (
    CheckSpec(
        "format",
        "format",
        "format_fault_ratio",
        ("format_fault",),
        "share of rows that do not hold what their format asks for",
    ),
    CheckSpec(
        "duplicates",
        "exact_copies",
        "duplicate_ratio",
        ("exact_duplicate", "normalised_duplicate"),
        "share of rows that repeat an earlier one, exactly or but for case, punctuation and spaces",
    ),
    CheckSpec(
        "near_duplicates",
        "near_copies",
        "near_duplicate_ratio",
        ("near_duplicate",),
        "share of rows that nearly repeat an earlier one (word 3-grams, Jaccard similarity of .8 or more)",
    ),
    CheckSpec(
        "leakage",
        "leakage",
        "leakage_ratio",
        ("leaked_exact", "leaked_normalised", "leaked_near", "leaked_contained"),
        "share of held-out rows that stand in the training rows too: whole, nearly, or inside another",
    ),
    CheckSpec(
        "contradictory_labels",
        "labels",
        "contradictory_label_ratio",
        ("contradictory_label",),
        "share of rows whose copies carry another label",
        needs=("text", "label"),
        more=False,
    ),
    CheckSpec(
        "label_variants",
        "labels",
        "label_variant_ratio",
        ("label_variant",),
        "share of rows whose label seems to be another spelling of a more frequent one",
        needs=("label",),
        more=False,
    ),
    CheckSpec(
        "class_balance",
        "labels",
        "class_imbalance",
        (),
        "rows of the largest class for each row of the smallest",
        needs=("label",),
    ),
    CheckSpec("empty", "length", "empty_ratio", ("empty",), "share of rows without text", more=False),
    CheckSpec(
        "length", "length", "mean_words", ("short", "long"), "words of a row in the mean; very short and very long rows"
    ),
    CheckSpec(
        "truncated",
        "token_lengths",
        "truncated_ratio",
        ("truncated",),
        "share of rows that the model's max_length would cut",
    ),
    CheckSpec("vocabulary", "vocabulary", "vocabulary_richness", (), "variety of words in samples of one size"),
    CheckSpec(
        "special_characters",
        "special_characters",
        "special_character_ratio",
        ("special_characters",),
        "share of unusual characters among all characters",
    ),
    CheckSpec(
        "encoding",
        "encoding",
        "encoding_damage_ratio",
        ("mojibake", "control_characters", "replacement_character"),
        "share of rows with damaged characters",
    ),
    CheckSpec(
        "personal_data",
        "personal_data",
        "personal_data_ratio",
        ("email", "ip_address", "phone", "payment_card", "iban"),
        "share of rows with an e-mail or IP address, a phone, card or bank account number",
    ),
    CheckSpec("outliers", "outliers", "outlier_ratio", ("outlier",), "share of rows unlike all others"),
)
