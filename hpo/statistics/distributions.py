"""Quantiles and tails of the reference distributions; SciPy is imported where one is first asked for."""

from __future__ import annotations


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def normal_tail(value: float) -> float:
    """P(Z > value) of the standard normal distribution."""
    from scipy.special import ndtr

    return float(ndtr(-value))


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t with ``df`` degrees of freedom, not necessarily whole."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def t_tail(value: float, df: float) -> float:
    """P(T > value) of Student's t."""
    from scipy.special import stdtr

    return float(stdtr(df, -value))


def chi2_tail(value: float, df: float) -> float:
    """P(X > value) of the chi-squared distribution."""
    from scipy.special import chdtrc

    return float(chdtrc(df, value))


def f_tail(value: float, df: float, df_error: float) -> float:
    """P(F > value) of the F distribution."""
    from scipy.special import fdtrc

    return float(fdtrc(df, df_error, value))


def studentized_range_quantile(probability: float, k: int) -> float:
    """Quantile of the studentized range of k means with infinitely many degrees of freedom."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(probability, k, float("inf")))
