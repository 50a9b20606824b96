"""Read study.yaml into a frozen StudyConfig, or report every fault at once with its line."""

from hpo.config.identity import describe_difference, identity
from hpo.config.load import load, load_text
from hpo.config.models import StudyConfig
from hpo.config.resolved import resolved_yaml

__all__ = ["StudyConfig", "describe_difference", "identity", "load", "load_text", "resolved_yaml"]
