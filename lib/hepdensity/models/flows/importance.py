"""Importance-weighted bounds from draws of noise and of particle orders.

See Burda et al. 2016, arXiv:1509.00519.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor

from hepdensity.models.layout import log_orders
from hepdensity.numbering import permutation_of_rank

_LONGEST_RANKED = 20
"""Largest number of particles whose orders can be numbered by int64."""


class Mean:
    """Logarithm of a running mean of values given by their logarithms."""

    def __init__(self) -> None:
        self._count, self._log_sum = 0, torch.tensor(-torch.inf)

    def add(self, log_value: Tensor) -> None:
        """Add one value for each event, shape ``(n,)``."""
        self._count += 1
        self._log_sum = torch.logaddexp(self._log_sum.to(log_value), log_value)

    def log_value(self) -> Tensor:
        """Log of the mean, shape ``(n,)``; -inf before the first value."""
        return self._log_sum - math.log(max(1, self._count))


class SortedMean(Mean):
    """Mean over all particle orders, from draws of the sorted order and of other orders."""

    def __init__(self, present: Tensor) -> None:
        """Start without draws.

        Args:
            present: number of particles of each event, int64, shape ``(n,)``.
        """
        super().__init__()
        self._other = Mean()
        counts = range(int(present.max()) + 1) if len(present) else range(1)
        self._log_others = self._by_number(present, [_log_other_orders(k) for k in counts])
        self._log_orders = self._by_number(present, [log_orders(k) for k in counts])

    @staticmethod
    def _by_number(present: Tensor, values: Sequence[float]) -> Tensor:
        table = torch.tensor(values, dtype=torch.float64, device=present.device)
        return table[present]

    def add_other(self, log_value: Tensor) -> None:
        """Add a value for an order other than the sorted one, shape ``(n,)``."""
        self._other.add(log_value)

    def log_value(self) -> Tensor:
        """Log of the mean over all orders, shape ``(n,)``."""
        main = super().log_value()
        other = self._other.log_value().to(main) + self._log_others.to(main)
        return torch.logaddexp(main, other) - self._log_orders.to(main)


def curve(
    draws: Sequence[int], draw: Callable[[int], None], log_value: Callable[[], Tensor]
) -> Tensor:
    """Values of a running mean after increasing numbers of draws, shape ``(len(draws), n)``.

    Args:
        draws: numbers of draws.
        draw: function that makes draw number k, counted from 1.
        log_value: function that returns the current value.

    Raises:
        ValueError: if the numbers are not positive and increasing.
    """
    if not draws or draws[0] < 1 or any(a >= b for a, b in pairwise(draws)):
        raise ValueError(
            f"numbers of importance draws must be >= 1 and increasing, not {list(draws)}"
        )
    values = []
    for k in range(1, draws[-1] + 1):
        draw(k)
        if k in draws:
            values.append(log_value())
    return torch.stack(values)


def other_orders(present: Tensor, particles: int, generator: Generator | None) -> Tensor:
    """Draw from all particle orders except the given one, int64, ``(n, particles)``.

    Present particles are in the first places and stay there. Events with fewer than two present
    particles have no other order, so their order does not change.

    Args:
        present: number of particles of each event, int64, shape ``(n,)``.
        particles: number of places.
        generator: source of random numbers.
    """
    orders = torch.arange(particles, device=present.device).repeat(len(present), 1)
    for count in present.unique().tolist():
        rows = (present == count).nonzero()[:, 0]
        if count > 1:
            orders[rows, :count] = _other_orders(len(rows), count, present.device, generator)
    return orders


def _other_orders(n: int, count: int, device: torch.device, generator: Generator | None) -> Tensor:
    if count > _LONGEST_RANKED:
        # The probability to draw the given order is 1 / count!, below 1e-19.
        return torch.rand(n, count, generator=generator, device=device).argsort(dim=1)
    others = math.factorial(count) - 1
    ranks = torch.randint(others, (n,), generator=generator, device=device) + 1
    return permutation_of_rank(ranks, count)


def _log_other_orders(count: int) -> float:
    others = math.factorial(count) - 1
    return math.log(others) if others else -math.inf
