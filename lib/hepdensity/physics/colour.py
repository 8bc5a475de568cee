"""Colour algebra of tree amplitudes whose particles are all colour octets.

The amplitude is g^(n-2) sum_sigma Tr(T^0 T^sigma(1) ... ) A(0, sigma) with Tr(T^a T^b) = delta^ab.
The (n-1)! partial amplitudes follow from the (n-2)! ones with leg 0 first and leg 1 last (Kleiss,
Kuijf, Nucl. Phys. B 312 (1989) 616; Del Duca, Dixon, Maltoni, hep-ph/9910563), called the
half-ladder basis here.
"""

import math
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np
import torch
from torch import Tensor

N_COLOURS = 3


@lru_cache
def colour_orders(n_out: int) -> Tensor:
    """All colour orders of 2 + n_out octets.

    Args:
        n_out: Number of outgoing particles; the legs are 0, 1 (incoming) and 2 ... n_out + 1.

    Returns:
        ((1 + n_out)!, 2 + n_out) int64, sequences of legs with leg 0 first, in lexicographic order,
        so that row k has Lehmer code k.
    """
    return torch.tensor([(0, *rest) for rest in permutations(range(1, 2 + n_out))])


@lru_cache
def half_ladder_orders(n_out: int) -> Tensor:
    """The n_out! colour orders (n_out!, 2 + n_out) with leg 0 first and leg 1 last."""
    return torch.tensor([(0, *rest, 1) for rest in permutations(range(2, 2 + n_out))])


@lru_cache
def kleiss_kuijf_matrix(n_out: int) -> Tensor:
    """Matrix ((1 + n_out)!, n_out!) float64 from half-ladder amplitudes to all partial amplitudes.

    Its entries 0, 1, -1 follow from A(0, a, 1, b) = (-1)^|b| sum A(0, s, 1), where s runs over all
    shuffles of a with the reversed b.
    """
    position = {tuple(order): k for k, order in enumerate(half_ladder_orders(n_out).tolist())}
    rows = colour_orders(n_out).tolist()
    matrix = torch.zeros(len(rows), len(position), dtype=torch.float64)
    for row, order in enumerate(rows):
        cut = order.index(1)
        before, behind = order[1:cut], order[cut + 1 :][::-1]
        for word in _shuffles(before, behind):
            matrix[row, position[(0, *word, 1)]] += (-1) ** len(behind)
    return matrix


def _shuffles(first: list[int], second: list[int]) -> list[tuple[int, ...]]:
    """All interleavings of two sequences that keep the order within each."""
    length = len(first) + len(second)
    words = []
    for places in combinations(range(length), len(first)):
        left, right = iter(first), iter(second)
        words.append(tuple(next(left if k in places else right) for k in range(length)))
    return words


@lru_cache
def colour_matrix(n_out: int) -> Tensor:
    """Colour matrix (n_out!, n_out!) float64 of the half-ladder basis.

    The squared amplitude summed over colours is g^(2 n_out) A^dagger C A. The U(N) photon decouples
    from octets, so traces are contracted in U(N): a pair of traces gives N to the power of the
    number of closed index loops.
    """
    orders = colour_orders(n_out).numpy()
    n_orders, n_legs = orders.shape
    following = np.empty_like(orders)
    np.put_along_axis(following, orders, np.roll(orders, -1, axis=1), axis=1)
    previous = np.argsort(following, axis=1)
    # An index loop alternates between the traces: leg -> next in one -> previous in the other.
    step = np.take_along_axis(
        np.broadcast_to(previous[None], (n_orders, n_orders, n_legs)),
        np.broadcast_to(following[:, None], (n_orders, n_orders, n_legs)),
        axis=2,
    )
    traces = torch.from_numpy(float(N_COLOURS) ** _count_cycles(step))
    projection = kleiss_kuijf_matrix(n_out)
    return projection.T @ traces @ projection


def _count_cycles(permutation: np.ndarray) -> np.ndarray:
    """Number of cycles of permutations (..., n)."""
    size = permutation.shape[-1]
    identity = np.broadcast_to(np.arange(size), permutation.shape)
    smallest, walker = identity.copy(), identity
    for _ in range(size):
        walker = np.take_along_axis(permutation, walker, axis=-1)
        smallest = np.minimum(smallest, walker)
    return (smallest == identity).sum(-1)


def average_factor(n_out: int) -> float:
    """Average over spins and colours of two gluons, times 1/n_out! for identical particles."""
    return 1 / ((2 * (N_COLOURS**2 - 1)) ** 2 * math.factorial(n_out))
