"""Split weighted background events into test, validation and training events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Groups:
    """Indices of the events of each group.

    Attributes:
        test: Test events, with their weights.
        validation: Rows of the validation group, unweighted.
        train: Rows of the training group, unweighted, in random order; None if there is none.
    """

    test: np.ndarray
    validation: np.ndarray
    train: np.ndarray | None


def split_background(weight: np.ndarray, test: float, validation: float, seed: int) -> Groups:
    """Split events at random; test events keep their weights, the others are unweighted.

    Args:
        weight: Weights of the events, shape (n,), not negative.
        test: Fraction of the events for testing.
        validation: Fraction of the remaining events for validation.
        seed: Seed of the split.

    Raises:
        ValueError: If a weight is negative or all are zero.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(weight))
    tested = round(test * len(weight))
    validated = tested + round(validation * (len(weight) - tested))
    groups = order[:tested], order[tested:validated], order[validated:]
    chosen = [group[unweighted(weight[group], generator)] for group in groups[1:]]
    return Groups(groups[0], chosen[0], generator.permutation(chosen[1]))


def split_fold(weight: np.ndarray, fold: int, folds: int, validation: float, seed: int) -> Groups:
    """Split events into those of a fold, for testing, and the others.

    Args:
        weight: Weights of the events, shape (n,), not negative.
        fold: Number of the fold, from 0.
        folds: Number of folds.
        validation: Fraction of the events of other folds for validation.
        seed: Seed of the division into folds.

    Raises:
        ValueError: If a weight is negative or all are zero.
    """
    parts = np.array_split(np.random.default_rng(seed).permutation(len(weight)), folds)
    test = parts.pop(fold)
    others = np.concatenate(parts)
    rest = split_background(weight[others], 0.0, validation, seed + 1 + fold)
    return Groups(test, others[rest.validation], others[rest.train])


def unweighted(weight: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Rows without weights that stand for weighted events.

    An event occurs w / w_0 times on average, where w_0 = sum w^2 / sum w, so there are about as
    many rows as effective events, (sum w)^2 / sum w^2. Events of large weight are repeated, as if
    the loss were weighted; some of small weight are left out.

    Args:
        weight: Weights, shape (n,).
        generator: Source of random numbers.

    Returns:
        Index of the event of each row, in increasing order.

    Raises:
        ValueError: If a weight is negative or all are zero.
    """
    if (weight < 0).any() or not weight.any():
        raise ValueError("weights of background events must be >= 0, and some must be positive")
    # Rounding keeps equal weights from becoming 0.999... rows each.
    number = np.round(weight * weight.sum() / np.square(weight).sum(), 9)
    times = np.floor(number + generator.random(len(weight))).astype(np.int64)
    return np.repeat(np.arange(len(weight)), times)
