"""The run folder: journal, tables, scores and artifacts of a study."""
