"""Colour orders of gg -> n gluinos in three notations, and their numbering.

Inside hepdensity a colour order is the sequence of legs in the colour trace, 0-based, leg 0 (the
gluon along +z) first. The public CSV of Verheyen (2022, arXiv:2205.01697) gives the position of
each leg instead, and LHE files (Alwall et al. 2006, hep-ph/0609017) give colour-flow tags.
"""

from __future__ import annotations

import math

import numpy as np

from hepdensity.physics.events import N_INCOMING

FIRST_TAG = 501
"""First colour-flow tag, as is customary in LHE files."""


def lehmer_code(order: np.ndarray) -> np.ndarray:
    """Number colour orders lexicographically.

    Args:
        order: Sequences of legs, leg 0 first, shape (n, legs).

    Returns:
        Lexicographic rank among the (legs - 1)! orders, int64, shape (n,).
    """
    import torch  # imported here because it is slow, and reading event files does not need it

    from hepdensity.numbering import rank_of_permutation

    behind = np.asarray(order)[:, 1:].astype(np.int64) - 1
    return rank_of_permutation(torch.from_numpy(behind)).numpy()


def lehmer_decode(code: np.ndarray, legs: int) -> np.ndarray:
    """Turn lexicographic ranks back into colour orders; the inverse of `lehmer_code`.

    Args:
        code: Ranks in [0, (legs - 1)!), shape (n,).
        legs: Number of legs, leg 0 included.

    Returns:
        Sequences of legs, int8, shape (n, legs).

    Raises:
        ValueError: If a rank is out of range.
    """
    import torch  # see lehmer_code

    from hepdensity.numbering import permutation_of_rank

    ranks = np.asarray(code, dtype=np.int64)
    orders = math.factorial(legs - 1)
    if ranks.size and (ranks.min() < 0 or ranks.max() >= orders):
        raise ValueError(f"colour codes of {legs} legs must lie in [0, {orders})")
    behind = permutation_of_rank(torch.from_numpy(ranks), legs - 1).numpy() + 1
    return np.pad(behind, ((0, 0), (1, 0))).astype(np.int8)


def order_to_positions(order: np.ndarray) -> np.ndarray:
    """Convert sequences of legs to the positions of the public CSV.

    Args:
        order: Sequences of legs, leg 0 first, shape (n, legs).

    Returns:
        Entry k is the position of leg k + 1 after leg 0, int8, shape (n, legs - 1).
    """
    return (np.argsort(order, axis=1)[:, 1:] - 1).astype(np.int8)


def positions_to_order(positions: np.ndarray) -> np.ndarray:
    """Convert the positions of the public CSV to sequences of legs.

    Args:
        positions: Permutations of 0 .. legs - 2, shape (n, legs - 1).

    Returns:
        Sequences of legs, leg 0 first, int8, shape (n, legs).
    """
    behind = np.argsort(positions, axis=1) + 1
    return np.pad(behind, ((0, 0), (1, 0))).astype(np.int8)


def order_to_tags(order: np.ndarray) -> np.ndarray:
    """Write colour orders as the colour-flow tags of an LHE file.

    Args:
        order: Sequences of legs, leg 0 first, shape (n, legs).

    Returns:
        (colour, anticolour) tags of each leg, starting at `FIRST_TAG`, int64, shape (n, legs, 2).
    """
    order = np.asarray(order, dtype=np.int64)
    legs = order.shape[1]
    links = np.arange(legs) + FIRST_TAG
    tags = np.empty((*order.shape, 2), dtype=np.int64)
    rows = np.arange(len(order))[:, None]
    tags[rows, order, 0] = links
    tags[rows, order, 1] = np.roll(links, 1)
    return _as_outgoing(tags)


def tags_to_order(tags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read colour orders from the colour-flow tags of an LHE file.

    Args:
        tags: (colour, anticolour) tags of each leg, incoming legs first, shape (n, legs, 2).

    Returns:
        Sequences of legs, leg 0 first, int8, shape (n, legs), and whether the tags form a single
        closed order of all legs, bool, shape (n,). If they do not, the sequence is meaningless.
    """
    colour, anticolour = np.moveaxis(_as_outgoing(np.asarray(tags)), 2, 0)
    match = colour[:, :, None] == anticolour[:, None, :]
    following = match.argmax(axis=2)
    closed = (match.sum(axis=1) == 1).all(axis=1) & (match.sum(axis=2) == 1).all(axis=1)
    legs = colour.shape[1]
    order = np.zeros(colour.shape, dtype=np.int8)
    leg = np.zeros(len(colour), dtype=np.int64)
    for i in range(1, legs):
        leg = following[np.arange(len(leg)), leg]
        order[:, i] = leg
    closed &= (np.sort(order, axis=1) == np.arange(legs)).all(axis=1)
    return order, closed


def _as_outgoing(tags: np.ndarray) -> np.ndarray:
    """Swap colour and anticolour of the incoming legs."""
    swapped = tags.copy()
    swapped[:, :N_INCOMING] = tags[:, :N_INCOMING, ::-1]
    return swapped
