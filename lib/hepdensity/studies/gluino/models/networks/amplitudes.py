"""Probabilities of colour traces from learned amplitudes.

The amplitudes of the 60 traces of six legs are integer combinations of 24 half-ladders, i.e. traces
with adjacent gluons (Kleiss and Kuijf, Nucl. Phys. B 312 (1989) 616). All half-ladders are the same
function of the legs in the order of the trace, up to the sign from the exchange of gluinos.
"""

from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional

from hepdensity.studies.gluino.models.networks.legs import READINGS, TRACES, WORDS, Reader


def half_ladders() -> Tensor:
    """Amplitudes of ``TRACES`` from those of ``WORDS``, shape ``(60, 24)``.

    The signs from the exchange of gluinos are included, because half-ladders depend on the order of
    the legs and not on their names.
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
    """The word with ``first`` at ``places`` and ``second`` elsewhere, both in their given order."""
    mine, others = iter(first), iter(second)
    return tuple(next(mine if place in places else others) for place in range(4))


def _inversions(word: tuple[int, ...]) -> int:
    return sum(a > b for a, b in combinations(word, 2))


class TraceScores(nn.Module):
    """Log-probabilities of the colour traces, proportional to squared amplitudes.

    A half-ladder is a sum of given structures (complex numbers that carry spins and phases). The
    coefficients come from a network that sees the features of the event in the order of the trace.
    The sum over both directions of reading makes a trace and its reversal the same. A small learned
    fraction of the probability is spread equally over all traces.
    """

    ladders: Tensor

    def __init__(self, features: Reader, structures: Reader, width: int, terms: int) -> None:
        """Create the network.

        Args:
            features: reader of the features of events.
            structures: reader of their structures.
            width: number of hidden units.
            terms: number of linear combinations of structures with coefficients from the network.
        """
        super().__init__()
        self.features, self.structures = features, structures
        self.first = nn.Parameter(torch.randn(width, features.values) * features.values**-0.5)
        self.shift = nn.Parameter(torch.zeros(width))
        self.coefficients = nn.Linear(width, terms)
        # Start with one small random combination and no corrections. Trainings that start with many
        # combinations, or with a large one that Adam changes slowly, end in poor minima.
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
