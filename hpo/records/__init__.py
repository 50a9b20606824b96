"""The run folder: journal, tables, scores and artifacts of a study."""

from hpo.records.folder import RunFolder
from hpo.records.journal import Journal, load_state, read
from hpo.records.record import Event, Point, Record, StudyState

__all__ = ["Event", "Journal", "Point", "Record", "RunFolder", "StudyState", "load_state", "read"]
