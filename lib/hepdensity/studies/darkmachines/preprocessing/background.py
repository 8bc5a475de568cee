"""Split weighted background events into test, validation and training events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Groups:
    """Indices of the events of each group.

    Attributes:
        test: Test events, with their weights.
        validation: Validation events, unweighted.
        train: Training events, unweighted, in random order.
        dropped: Number of events that unweighting dropped.
    """

    test: np.ndarray
    validation: np.ndarray
    train: np.ndarray
    dropped: int


def split_background(weight: np.ndarray, test: float, validation: float, seed: int) -> Groups:
    """Split events at random; test events keep their weights, the others are unweighted.

    An event is kept with probability w / max(w), so the kept events have the composition that the
    weights say.

    Args:
        weight: Weights of the events, shape (n,), not negative.
        test: Fraction of the events for testing.
        validation: Fraction of the remaining, unweighted events for validation.
        seed: Seed of the split.

    Raises:
        ValueError: If a weight is negative or all are zero.
    """
    if (weight < 0).any() or not weight.any():
        raise ValueError("weights of background events must be >= 0, and some must be positive")
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(weight))
    tested = round(test * len(weight))
    rest = order[tested:]
    kept = rest[generator.random(len(rest)) * weight.max() < weight[rest]]
    validated = round(validation * len(kept))
    return Groups(order[:tested], kept[:validated], kept[validated:], len(rest) - len(kept))
