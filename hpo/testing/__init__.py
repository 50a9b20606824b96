"""Contract suites: subclass one in a test file, tell it how to open your Runner, run pytest."""

from hpo.testing.rehearsal import REHEARSAL, rehearsal
from hpo.testing.runner import RunnerContract

__all__ = ["REHEARSAL", "RunnerContract", "rehearsal"]
