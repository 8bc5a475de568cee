"""k-fold cross-fitting: every event of a finite sample is scored by a model that never saw it.

Folds follow from a hash of the number of an event, so neither the order nor the length of a file
matters, and adding events moves no other event to another fold. Signal events get folds too: each
event, signal or background, is scored by one of the k models, so both go through the same mixture
of models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_STEP = 0x9E3779B97F4A7C15


def hashed(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Scramble whole numbers (splitmix64, Steele et al. 2014, doi:10.1145/2714064.2660195).

    Args:
        numbers: Whole numbers, shape (n,).
        seed: Another seed gives independent values.

    Returns:
        uint64, uniformly distributed, shape (n,).
    """
    values = np.asarray(numbers).astype(np.int64).view(np.uint64)
    for _ in range(2):
        values = values + np.uint64((_STEP * (seed + 1)) % 2**64)
        for shift, factor in _MIX:
            values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
        values = values ^ (values >> np.uint64(31))
    return values


def fold_of(events: np.ndarray, folds: int, seed: int = 0) -> np.ndarray:
    """Fold in 0 ... folds - 1 of each event, int64, shape (n,).

    Args:
        events: Numbers that identify the events, shape (n,). Events with the same number (repeats,
            or weighted copies) are in the same fold.
        folds: Number k of folds, at least 2.
        seed: Another seed gives an independent division.

    Raises:
        ValueError: If there are fewer than two folds.

    Example:
        >>> np.bincount(fold_of(np.arange(10000), 5)).round(-2)
        array([2000, 2000, 2000, 2000, 2000])
    """
    if folds < 2:
        raise ValueError(f"cross-fitting with {folds} folds; set at least 2")
    chosen: np.ndarray = (hashed(events, seed) % np.uint64(folds)).astype(np.int64)
    return chosen


def training_folds(folds: np.ndarray, fold: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation events of the model that scores one fold.

    The next fold is for validation, the others are for training.

    Args:
        folds: Fold of each event, shape (n,).
        fold: The fold that the model scores.
        count: Number of folds, at least 3.

    Returns:
        Masks of the training and the validation events, shape (n,).

    Raises:
        ValueError: If there are fewer than three folds.
    """
    if count < 3:
        raise ValueError(
            f"{count} folds leave no events for training beside those for test and validation; set"
            " at least 3"
        )
    validation = folds == (fold + 1) % count
    return (folds != fold) & ~validation, validation


def cross_fitted(scores: Sequence[np.ndarray], folds: np.ndarray) -> np.ndarray:
    """Score of each event by the model that did not see its fold, shape (n,).

    Args:
        scores: For each fold, the scores of **all** events by the model of this fold, shape (n,).
        folds: Fold of each event, shape (n,).

    Raises:
        ValueError: If the numbers of events or folds differ.
    """
    table = np.stack([np.asarray(values) for values in scores])
    if table.shape[1:] != folds.shape or len(table) <= folds.max(initial=0):
        raise ValueError(
            f"scores of {len(table)} models for {table.shape[1]} events, but {len(folds)} events in"
            f" {folds.max(initial=0) + 1} folds; score all events with the model of every fold"
        )
    chosen: np.ndarray = table[folds, np.arange(len(folds))]
    return chosen
