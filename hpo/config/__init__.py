"""Read study.yaml into a frozen StudyConfig, or report every fault at once with its line."""

from hpo.config.load import load, load_text
from hpo.config.models import StudyConfig
from hpo.config.resolved import resolved_yaml

__all__ = ["StudyConfig", "load", "load_text", "resolved_yaml"]
