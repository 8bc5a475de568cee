"""Probabilities of categories from their frequencies in training, for few categories."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from math import log, prod

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.layers.coding import combined, split

STRENGTHS = torch.logspace(-2, 5, 71, dtype=torch.float64)
"""Numbers of pseudo-events from which smoothing chooses."""


class Table(nn.Module, ABC):
    """Probabilities of the codes of events, given which particles are present."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """Number of rows of the embedding of categories."""

    @abstractmethod
    def index(self, codes: Tensor) -> Tensor:
        """Rows of the embedding whose sum is the context of a category, ``(n, terms)``."""

    @abstractmethod
    def log_prob(self, codes: Tensor, chosen: Tensor | None) -> Tensor:
        """Log-probability of codes given the presence set [nats], float64, shape ``(n,)``.

        Args:
            codes: int64, -1 if the particle is absent, shape ``(n, codes)``.
            chosen: presence set of each event, int64, shape ``(n,)``; None without sets.

        Raises:
            ValueError: if no events have been counted.
        """

    @abstractmethod
    def log_weight(self, codes: Tensor, log_p: Tensor) -> Tensor:
        """Log of 1 / (number of categories * p(y)), float64, shape ``(n,)``.

        Args:
            codes: as in ``log_prob``.
            log_p: log p(y) [nats], float64, shape ``(n,)``.
        """

    @abstractmethod
    def is_unseen(self, codes: Tensor, chosen: Tensor | None) -> Tensor:
        """Whether codes occurred in no training event, bool, shape ``(n,)``."""

    @abstractmethod
    def draw(self, n: int, chosen: Tensor | None, generator: Generator | None = None) -> Tensor:
        """Draw codes, int64, -1 if the particle is absent, shape ``(n, codes)``."""


class DenseTable(Table):
    """A table of all categories, for events with all particles present."""

    log_categories: Tensor
    unseen: Tensor

    def __init__(self, counts: Sequence[int]) -> None:
        """Create an empty table.

        Args:
            counts: number of values of each code.
        """
        super().__init__()
        self.counts = tuple(counts)
        size = prod(self.counts)
        self.register_buffer("log_categories", torch.full((size,), torch.nan, dtype=torch.float64))
        self.register_buffer("unseen", torch.zeros(size, dtype=torch.bool))

    @property
    def rows(self) -> int:
        """Number of categories."""
        return len(self.log_categories)

    def index(self, codes: Tensor) -> Tensor:
        """Category, int64, shape ``(n, 1)``."""
        return combined(codes, self.counts)[:, None]

    def count(self, images: Iterable[Tensor], orders: int, arranged: Tensor | None) -> None:
        """Fill the table.

        Args:
            images: codes of the training events in each order of the particles, ``orders`` tensors
                of shape ``(n, codes)``; they are smoothed towards equal probabilities.
            orders: number of these orders; 0 to ignore them.
            arranged: codes of the training events in the order that the flow sees, smoothed towards
                the result for ``images``. None if the flow sees all orders.
        """
        table = torch.full_like(self.log_categories, 1 / self.rows)
        counts = torch.zeros_like(table)
        if orders:
            for codes in images:
                counts += self._frequencies(codes) / orders
            table = smoothed_frequencies(counts, 1 / orders, table)
        if arranged is not None:
            counts = self._frequencies(arranged).double()
            table = smoothed_frequencies(counts, 1, table)
        self.unseen.copy_(counts == 0)
        self.log_categories.copy_(table.log())

    def _frequencies(self, codes: Tensor) -> Tensor:
        return torch.bincount(self.index(codes)[:, 0], minlength=self.rows)

    def log_prob(self, codes: Tensor, chosen: Tensor | None) -> Tensor:
        """Log-probability of codes [nats], float64, shape ``(n,)``."""
        return self._known()[self.index(codes)[:, 0]]

    def log_weight(self, codes: Tensor, log_p: Tensor) -> Tensor:
        """Log of 1 / (number of categories * p(y)), float64, shape ``(n,)``."""
        return -log_p - log(self.rows)

    def is_unseen(self, codes: Tensor, chosen: Tensor | None) -> Tensor:
        """Whether codes occurred in no training event, bool, shape ``(n,)``."""
        return self.unseen[self.index(codes)[:, 0]]

    def draw(self, n: int, chosen: Tensor | None, generator: Generator | None = None) -> Tensor:
        """Draw codes, int64, shape ``(n, codes)``."""
        weights = self._known().exp()
        y = torch.multinomial(weights, n, replacement=True, generator=generator)
        return split(y, self.counts)

    def _known(self) -> Tensor:
        if self.log_categories[0].isnan():
            raise ValueError("the category probabilities are missing; call prepare(training) first")
        return self.log_categories


def smoothed_frequencies(counts: Tensor, unit: float, prior: Tensor) -> Tensor:
    """Non-zero category probabilities from additive smoothing, (n_y + s q_y) / (N + s).

    The number s of pseudo-events maximises the leave-one-out likelihood, in which each training
    event is predicted from the others, on a grid from 10^-2 to 10^5. It is small if nearly all
    categories have been seen often.

    Args:
        counts: events of each category, float64, shape ``(K,)``, with sum N > 0.
        unit: contribution of one event to a category: 1, or 1 / D! if it counts in D! categories.
        prior: non-zero probabilities q to smooth towards, shape ``(K,)``.
    """
    strengths = STRENGTHS.to(counts.device)
    total, seen = counts.sum(), counts > 0
    others = counts[seen] - unit + strengths[:, None] * prior[seen]
    score = others.log() @ counts[seen] - total * (total - 1 + strengths).log()
    best = strengths[score.argmax()]
    return (counts + best * prior) / (total + best)
