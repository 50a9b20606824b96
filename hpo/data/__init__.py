"""Data of a study: formats, splits, preparation, fingerprints. Pandas is loaded when rows are, not before."""

from hpo.data.labels import class_counts
from hpo.data.prepare import prepare
from hpo.data.read import read_frame
from hpo.data.rows import Rows, Splits
from hpo.data.stored import load_rows, save_splits

__all__ = ["Rows", "Splits", "class_counts", "load_rows", "prepare", "read_frame", "save_splits"]
