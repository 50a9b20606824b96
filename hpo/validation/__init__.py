"""Validation of models on data sets: scores with intervals, comparisons with a baseline, costs, errors row by row."""

from hpo.validation.load import load
from hpo.validation.run import validate

__all__ = ["load", "validate"]
