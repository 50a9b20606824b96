"""Contract suites: subclass one in a test file, tell it how to open your Runner, Objective or Evaluator, run pytest."""

from hpo.testing.evaluator import EvaluatorContract
from hpo.testing.objective import ObjectiveContract
from hpo.testing.rehearsal import REHEARSAL, rehearsal
from hpo.testing.runner import RunnerContract

__all__ = ["REHEARSAL", "EvaluatorContract", "ObjectiveContract", "RunnerContract", "rehearsal"]
