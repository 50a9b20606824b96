"""What the checks of rows can be told: thresholds, names of the files, the model's tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hpo.evaluators.check_token_lengths import Tokenize


def quiet(message: str) -> None:
    """Say nothing: what progress does where nobody watches."""


@dataclass(frozen=True)
class Model:
    """What a model does to texts.

    Attributes:
        tokenize: texts to token ids, special tokens included.
        max_length: tokens beyond which a text is cut.
        unknown_id: token id of what the vocabulary does not have; None: there is no such token.
    """

    tokenize: Tokenize
    max_length: int
    unknown_id: int | None = None


@dataclass(frozen=True)
class CheckOptions:
    """How rows are checked.

    Attributes:
        file: what reports call the rows.
        reference: what reports call the rows they are held against.
        thresholds: gates by name.
        near: least Jaccard similarity of near copies.
        classes: whether labels are what a model learns; where not, nothing is asked of them.
        model: tokenizer and length for the check of cut rows; None: that is not run.
        progress: told what is being done.
        faults: what is wrong with rows beside their form, by position.
    """

    file: str = "rows"
    reference: str = "reference"
    thresholds: Mapping[str, float] = field(default_factory=dict)
    near: float = 0.8
    classes: bool = True
    model: Model | None = None
    progress: Callable[[str], None] = quiet
    faults: Mapping[int, str] = field(default_factory=dict)


DEFAULTS = CheckOptions()
