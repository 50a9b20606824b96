"""Evaluators: outputs or data rows in, scores of single rows and their aggregates out."""
