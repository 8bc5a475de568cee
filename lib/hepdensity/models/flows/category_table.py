"""Probabilities of categories from their frequencies in training, if there are few of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from math import log, prod

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.layers.coding import combined, split

STRENGTHS = torch.logspace(-2, 5, 71, dtype=torch.float64)
"""Numbers of pseudo-events that smoothing chooses from."""


class Table(nn.Module, ABC):
    """Probabilities of the codes of events, given which particles are present."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """Number of rows of an embedding of categories."""

    @abstractmethod
    def index(self, codes: Tensor) -> Tensor:
        """Rows of the embedding whose sum is the context of a category, ``(n, terms)``."""

    @abstractmethod
    def log_prob(self, codes: Tensor, chosen: Tensor | None) -> Tensor:
        """Log-probability of codes given the presence set [nats], float64, shape ``(n,)``.

        Args:
            codes: int64, -1 where the particle is absent, shape ``(n, codes)``.
            chosen: presence set of each event, int64, shape ``(n,)``; None without sets.

        Raises:
            ValueError: if nothing has been counted.
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
        """Draw codes, int64, -1 where the particle is absent, shape ``(n, codes)``."""


class DenseTable(Table):
    """A table of all categories; all particles are present."""

    log_categories: Tensor
    unseen: Tensor

    def __init__(self, counts: Sequence[int]) -> None:
        """Create a table that is still to be filled.

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
            images: codes of the training events in each order of the particles, ``orders`` times
                shape ``(n, codes)``; equal probabilities are smoothed towards.
            orders: their number, 0 to leave them out.
            arranged: codes of the training events in the order that the flow sees; what ``images``
                give is smoothed towards. None if the flow sees all orders.
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
            raise ValueError("category probabilities are missing: call prepare(training) first")
        return self.log_categories


def smoothed_frequencies(counts: Tensor, unit: float, prior: Tensor) -> Tensor:
    """Category probabilities with additive smoothing, (n_y + s q_y) / (N + s): none is zero.

    The pseudo-events s are as many as predict each training event best from the others
    (leave-one-out likelihood, on a grid of 10^-2 ... 10^5): few where nearly every category has
    been seen often.

    Args:
        counts: events of each category, float64, shape ``(K,)``, with sum N > 0.
        unit: what one event adds to a category: 1, or 1 / D! if it is counted in D! categories.
        prior: probabilities q to smooth towards, none of them zero, shape ``(K,)``.
    """
    strengths = STRENGTHS.to(counts.device)
    total, seen = counts.sum(), counts > 0
    others = counts[seen] - unit + strengths[:, None] * prior[seen]
    score = others.log() @ counts[seen] - total * (total - 1 + strengths).log()
    best = strengths[score.argmax()]
    return (counts + best * prior) / (total + best)
