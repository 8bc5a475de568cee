"""Probabilities of colour traces from learned amplitudes.

The amplitudes of the 60 traces of six legs are integer combinations of 24 half-ladders, traces with
the two gluons adjacent (Kleiss and Kuijf, Nucl. Phys. B 312 (1989) 616). Every half-ladder is one
and the same function of the legs in the order of the trace, up to the sign that exchanging gluinos
gives.
"""

from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional

from hepdensity.studies.gluino.models.networks.legs import READINGS, TRACES, WORDS, Reader


def half_ladders() -> Tensor:
    """Amplitudes of ``TRACES`` from those of ``WORDS``, shape ``(60, 24)``.

    The signs of the exchange of gluinos are included: half-ladders are functions of the legs in
    their order, not of their names.
    """
    result = torch.zeros(len(TRACES), len(WORDS))
    for row, trace in enumerate(TRACES):
        place = trace.index(1)
        first, second = trace[1:place], trace[place + 1 :][::-1]
        for places in combinations(range(4), len(first)):
            word = _shuffle(first, second, places)
            sign = (-1) ** (len(second) + _inversions(word))
            result[row, WORDS.index(word)] += sign
    return result


def _shuffle(
    first: tuple[int, ...], second: tuple[int, ...], places: tuple[int, ...]
) -> tuple[int, ...]:
    """The word with ``first`` at ``places`` and ``second`` at the others, both in their order."""
    mine, others = iter(first), iter(second)
    return tuple(next(mine if place in places else others) for place in range(4))


def _inversions(word: tuple[int, ...]) -> int:
    return sum(a > b for a, b in combinations(word, 2))


class TraceScores(nn.Module):
    """Log-probabilities of the colour traces, proportional to squared amplitudes.

    A half-ladder is a sum of given structures (complex numbers that carry spins and phases) with
    coefficients from a network that sees the features of the event in the order of the trace. It
    sums over both directions of reading, so that a trace and its reversal are the same. A small
    learned part of the probability is equal for all traces.
    """

    ladders: Tensor

    def __init__(self, features: Reader, structures: Reader, width: int, terms: int) -> None:
        """Create the network.

        Args:
            features: reads the features of events.
            structures: reads their structures.
            width: hidden units.
            terms: linear combinations of structures that the network gives coefficients to.
        """
        super().__init__()
        self.features, self.structures = features, structures
        self.first = nn.Parameter(torch.randn(width, features.values) * features.values**-0.5)
        self.shift = nn.Parameter(torch.zeros(width))
        self.coefficients = nn.Linear(width, terms)
        # Begins with one small random combination and no corrections to it: trainings from many,
        # or from a large one that Adam is slow to change, end in poor minima.
        self.terms = nn.Parameter(torch.zeros(terms, structures.values))
        self.constant = nn.Parameter(torch.randn(1, structures.values) * 0.02)
        self.floor = nn.Parameter(torch.tensor(-3.0))
        self.register_buffer("ladders", half_ladders(), persistent=False)

    def forward(self, features: Tensor, structures: Tensor) -> Tensor:
        """Log-probabilities of ``TRACES``.

        Args:
            features: shape ``(n, f)``.
            structures: real and imaginary parts, shape ``(n, 2, s)``.

        Returns:
            Shape ``(n, 60)``.
        """
        n = len(features)
        hidden = (features @ self.features(self.first).T).view(n, len(READINGS), -1)
        coefficients = self.coefficients(functional.silu(hidden + self.shift))
        weights = self.structures(torch.cat((self.terms, self.constant)))
        terms = (structures.flatten(0, 1) @ weights.T).view(n, 2, len(READINGS), -1)
        read = (terms[..., :-1] * coefficients[:, None]).sum(3) + terms[..., -1]
        ladders = read.view(n, 2, 2, len(WORDS)).sum(2)
        squares = (ladders @ self.ladders.T).square().sum(1)
        shares = squares / squares.sum(1, keepdim=True)
        floor = self.floor.sigmoid()
        return torch.log((1 - floor) * shares + floor / len(TRACES))
