"""Means with their standard errors, as tables show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error."""

    value: float
    error: float


def mean_with_error(values: np.ndarray) -> Estimate:
    """Mean of independent values and its standard error.

    Args:
        values: shape ``(n,)``, n >= 2; infinities make the mean infinite and the error NaN.

    Raises:
        ValueError: for fewer than two values, because their spread is unknown.

    Example:
        >>> mean_with_error(np.array([1.0, 2.0, 3.0, 2.0]))
        Estimate(value=2.0, error=0.408...)
    """
    if len(values) < 2:
        raise ValueError("a standard error needs at least two values")
    if np.isinf(values).any():
        return Estimate(float(np.mean(values)), float("nan"))
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))


def ratio_with_error(values: np.ndarray, sizes: np.ndarray) -> Estimate:
    """Sum of values over the sum of sizes, and the standard error of this ratio of means.

    Args:
        values: shape ``(n,)``, n >= 2.
        sizes: what each value is a sum over, e.g. a number of particles, shape ``(n,)``.
    """
    ratio = values.sum() / sizes.sum()
    error = np.std(values - ratio * sizes, ddof=1) / (sizes.mean() * np.sqrt(len(sizes)))
    return Estimate(float(ratio), float(error))


def columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    """Two columns of a table, the value and its error; both are empty if it is unknown."""
    return {
        name: None if estimate is None else estimate.value,
        f"{name}_error": None if estimate is None else estimate.error,
    }


def not_finite(*arrays: np.ndarray) -> int:
    """Number of events whose value is not finite in at least one of the arrays.

    Args:
        arrays: values of the same events, shape ``(n,)`` or ``(m, n)``.
    """
    lacking = [~np.isfinite(np.atleast_2d(values)).all(axis=0) for values in arrays]
    return int(np.logical_or.reduce(lacking).sum())
