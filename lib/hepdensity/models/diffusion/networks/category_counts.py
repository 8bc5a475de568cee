"""Probability of the categories of exchangeable points, from how many there are of each."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn


class CategoryCounts(nn.Module):
    """p(n_1 ... n_K | N) = product over k of p(n_k | n_1 ... n_(k-1), N), exactly normalised.

    The counts sum to N, so the last one follows from the others. All arrangements of the categories
    over the points are equally probable.
    """

    def __init__(self, places: int, categories: int, hidden: int) -> None:
        """Create the network; before training, each count is uniform over what is left.

        Args:
            places: largest number of points.
            categories: number K of categories.
            hidden: hidden units.
        """
        super().__init__()
        self._places, self.categories = places, categories
        self.network = nn.Sequential(
            nn.Linear(2 * categories + 1, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, places + 1),
        )
        last = self.network[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def log_prob(self, counts: Tensor) -> Tensor:
        """Log-probability of one arrangement of the categories given N [nats], shape ``(n,)``.

        Args:
            counts: number of points of each category, int64, shape ``(n, K)``.
        """
        total = counts.sum(dim=1)
        value = self._log_arrangements(counts, total)
        for k in range(self.categories - 1):
            logits = self._logits(counts, total, k)
            value = value + logits.log_softmax(dim=1).gather(1, counts[:, k, None])[:, 0]
        return value

    def _log_arrangements(self, counts: Tensor, total: Tensor) -> Tensor:
        """Log-probability of one of the N! / (n_1! ... n_K!) arrangements."""
        real = counts.to(next(self.parameters()))
        return torch.lgamma(real + 1).sum(dim=1) - torch.lgamma(total.to(real) + 1)

    def _logits(self, counts: Tensor, total: Tensor, k: int) -> Tensor:
        """Logits of the number of points of category k given the earlier ones, ``(n, N + 1)``."""
        like = next(self.parameters())
        earlier = counts.to(like).clone()
        earlier[:, k:] = 0
        place = torch.zeros_like(earlier)
        place[:, k] = 1
        inputs = torch.cat([earlier, total.to(like)[:, None]], dim=1) / self._places
        logits: Tensor = self.network(torch.cat([inputs, place], dim=1))
        left = total - counts[:, :k].sum(dim=1)
        numbers = torch.arange(self._places + 1, device=counts.device)
        return logits.masked_fill(numbers > left[:, None], -torch.inf)

    @torch.no_grad()
    def draw(self, number: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw categories, int64, -1 for absent points, shape ``(n, places)``.

        Points of a category are side by side; the order of the points has no meaning.

        Args:
            number: number of points of each event, int64, shape ``(n,)``.
            generator: source of random numbers.
        """
        counts = torch.zeros(len(number), self.categories, dtype=torch.int64, device=number.device)
        for k in range(self.categories - 1):
            probabilities = self._logits(counts, number, k).softmax(dim=1)
            counts[:, k] = probabilities.multinomial(1, generator=generator)[:, 0]
        counts[:, -1] = number - counts.sum(dim=1)
        place = torch.arange(self._places, device=number.device).expand(len(number), -1)
        categories = torch.searchsorted(counts.cumsum(dim=1), place.contiguous(), right=True)
        return categories.masked_fill(place >= number[:, None], -1)
