"""Probability of the types of the objects of an event, given their number."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from hepdensity.studies.darkmachines.models.canonical import TYPES


class TypeSequence(nn.Module):
    """p(t_1 ... t_n | n) = product over k of p(t_k | t_1 ... t_{k-1}, n), exactly normalised."""

    def __init__(self, objects: int, hidden: int) -> None:
        """Create the network.

        Args:
            objects: largest number N of objects.
            hidden: hidden units.
        """
        super().__init__()
        self._objects = objects
        before = torch.tril(torch.ones(objects, objects), -1)
        self.register_buffer("_before", before, persistent=False)
        self.register_buffer("_place", torch.eye(objects), persistent=False)
        inputs = objects * TYPES + 2 * objects
        self.network = nn.Sequential(
            nn.Linear(inputs, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, TYPES),
        )

    def log_prob(self, types: Tensor) -> Tensor:
        """Log-probability of types given their number [nats], shape ``(n,)``.

        Args:
            types: type of each object, from 0, and -1 if absent, int64, shape ``(n, N)``.
        """
        logits = self._logits(types, (types >= 0).sum(dim=1))
        chosen = logits.log_softmax(dim=2).gather(2, types.clamp(min=0)[:, :, None])[:, :, 0]
        return chosen.masked_fill(types < 0, 0).sum(dim=1)

    def _logits(self, types: Tensor, count: Tensor) -> Tensor:
        """Logits of each type at each place, shape ``(n, N, TYPES)``."""
        assert isinstance(self._before, Tensor) and isinstance(self._place, Tensor)
        known = nn.functional.one_hot(types.clamp(min=0), TYPES).to(self._before)
        known = known * (types >= 0)[:, :, None]
        earlier = self._before[None, :, :, None] * known[:, None]
        number = self._place[count - 1][:, None].expand(-1, self._objects, -1)
        place = self._place.expand(len(types), -1, -1)
        logits: Tensor = self.network(torch.cat([earlier.flatten(2), place, number], dim=2))
        return logits

    @torch.no_grad()
    def draw(self, count: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw types, int64, -1 if absent, shape ``(n, N)``.

        Args:
            count: number of objects of each event, int64, shape ``(n,)``.
            generator: source of random numbers.
        """
        types = torch.full((len(count), self._objects), -1, device=count.device)
        for place in range(self._objects):
            probabilities = self._logits(types, count)[:, place].softmax(dim=1)
            drawn = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
            types[:, place] = torch.where(place < count, drawn, -1)
        return types
