"""Lists of different lengths, one per event, in flat arrays with offsets.

The elements of event i are `offsets[i]:offsets[i + 1]`.
"""

from __future__ import annotations

import numpy as np


def owners(offsets: np.ndarray) -> np.ndarray:
    """Event of each element, int64, shape (N,).

    Args:
        offsets: First element of each event and the total number N, shape (n + 1,).

    Example:
        >>> owners(np.array([0, 2, 2, 3])).tolist()
        [0, 0, 2]
    """
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def offsets_of(events: np.ndarray, n: int) -> np.ndarray:
    """Offsets of elements that are ordered by event, int64, shape (n + 1,).

    Args:
        events: Event of each element, shape (N,).
        n: Number of events.

    Example:
        >>> offsets_of(np.array([0, 0, 2]), 3).tolist()
        [0, 2, 2, 3]
    """
    return np.concatenate([[0], np.cumsum(np.bincount(events, minlength=n))]).astype(np.int64)


def subset(offsets: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Offsets of some of the elements.

    Args:
        offsets: Offsets of all elements, shape (n + 1,).
        chosen: Indices of the elements kept, rising.

    Example:
        >>> subset(np.array([0, 2, 2, 3]), np.array([1, 2])).tolist()
        [0, 1, 1, 2]
    """
    return np.searchsorted(chosen, offsets)


def by_falling(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Indices that sort the elements of each event by a falling value, equal ones unchanged.

    Args:
        values: Value of each element, shape (N,).
        offsets: Offsets of the elements, shape (n + 1,).

    Example:
        >>> by_falling(np.array([1.0, 2.0, 0.5]), np.array([0, 2, 3])).tolist()
        [1, 0, 2]
    """
    order: np.ndarray = np.lexsort((-values, owners(offsets)))
    return order
