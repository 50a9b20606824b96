"""The number that a worked answer ends in, against that of the reference (as in GSM8K, Cobbe et al. 2021)."""

from __future__ import annotations

import re
from decimal import Decimal

from hpo.data.rows import Rows
from hpo.evaluators.generated import pair_statistics
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.reductions import column_of, mean_of
from hpo.objective import Outputs

MARK = "####"
_SIGN = r"(?<![\w)\]])[-+\u2212]"  # 7-5 and 2020-21 have no sign
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+"
_NUMBER = re.compile(rf"(?P<before>{_SIGN})?[$€£¥]?(?P<after>(?<=[$€£¥])[-+\u2212])?(?P<digits>{_DIGITS})")


def final_number(text: str) -> Decimal | None:
    """The number an answer comes to; None where there is none.

    The rule: the first number after the last ``####`` where the text has that mark, else the last number of the text. A
    number is digits, in groups of three with commas or without, with or without a decimal point; a sign touches it or
    its currency mark ($, €, £, ¥), and a minus right after a digit, a letter or a closing bracket is no sign. What
    follows (a full stop, %, a unit) is passed over. 1,234.50 and $1234.5 are the same number.

    >>> final_number("5 apples and 7 make 12. #### 12"), final_number("It costs -$1,200.50 in all.")
    (Decimal('12'), Decimal('-1200.50'))
    """
    _, mark, tail = text.rpartition(MARK)
    found = list(_NUMBER.finditer(tail if mark else text))
    if not found:
        return None
    number = found[0] if mark else found[-1]
    sign = -1 if (number["before"] or number["after"]) in ("-", "\u2212") else 1
    return sign * Decimal(number["digits"].replace(",", ""))


def numeric_match(answer: str, reference: str) -> list[float]:
    """1 where both come to the same number, else 0; NaN where the reference comes to none."""
    expected = final_number(reference)
    return [float("nan") if expected is None else float(final_number(answer) == expected)]


class NumericAnswer:
    """Statistic ``numeric_match``, 0 or 1; the metric ``numeric_accuracy`` is its mean.

    No answer, or one without a number, is wrong; a row whose reference has no number is unscored.
    """

    name = "numeric_answer"
    needs = frozenset({"reference", "prediction"})
    metrics: tuple[Metric, ...] = (
        Metric("numeric_accuracy", "maximize", mean_of("numeric_match"), rows=column_of("numeric_match")),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Whether every row comes to the right number."""
        stats = pair_statistics(data, outputs, ["numeric_match"], numeric_match)
        return ExampleScores(data.ids, stats, groups=data.groups)
