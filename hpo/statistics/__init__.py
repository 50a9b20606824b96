"""Estimates, comparisons, multiplicity, power and agreement: pure functions of arrays, each with its source."""
