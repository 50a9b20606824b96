"""The driver: the only place that asks Optuna for a configuration and tells it the result."""
