"""Which data checks there are: name to maker, in the order in which people are shown them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hpo.evaluators.check_encoding import Encoding
from hpo.evaluators.check_exact_copies import ExactCopies
from hpo.evaluators.check_format import FormatFaults
from hpo.evaluators.check_labels import Labels
from hpo.evaluators.check_leakage import Leakage
from hpo.evaluators.check_length import Length
from hpo.evaluators.check_near_copies import NearCopies
from hpo.evaluators.check_outliers import Outliers
from hpo.evaluators.check_personal_data import PersonalData
from hpo.evaluators.check_special_characters import SpecialCharacters
from hpo.evaluators.check_token_lengths import TokenLengths
from hpo.evaluators.check_vocabulary import Vocabulary
from hpo.evaluators.protocol import Evaluator

__all__ = ["CHECKS"]

CHECKS: Mapping[str, Callable[..., Evaluator]] = {
    "format": FormatFaults,
    "exact_copies": ExactCopies,
    "near_copies": NearCopies,
    "leakage": Leakage,
    "labels": Labels,
    "length": Length,
    "token_lengths": TokenLengths,
    "vocabulary": Vocabulary,
    "special_characters": SpecialCharacters,
    "encoding": Encoding,
    "personal_data": PersonalData,
    "outliers": Outliers,
}
