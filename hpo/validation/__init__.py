"""Models compared on data sets: predictions in, scores with intervals, comparisons and their verdicts out."""
