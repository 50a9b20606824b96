"""Read study.yaml into a frozen StudyConfig, or report every fault at once with its line."""

from hpo.config.models import StudyConfig

__all__ = ["StudyConfig"]
