"""Data checks put together: gates, findings, label noise, what a preprocessing step does to the model, drift."""
