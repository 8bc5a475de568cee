"""Probabilities of the helicities of six legs."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hepdensity.studies.gluino.models.networks.legs import (
    LEGS,
    PAIRS,
    READINGS,
    Reader,
    Reading,
    read_legs,
)

HELICITIES = 2**LEGS


def products() -> Tensor:
    """Even products of helicities for each helicity code, shape ``(31, 64)``.

    They span all functions that do not change if all helicities are flipped: 15 pairs, 15
    quadruples (each the complement of a pair) and all six.
    """
    codes = torch.arange(HELICITIES)[:, None]
    h = ((codes & (1 << torch.arange(LEGS - 1, -1, -1))) > 0).float() * 2 - 1
    pairs = torch.stack([h[:, i] * h[:, j] for i, j in PAIRS])
    every = h.prod(1, keepdim=True).T
    return torch.cat((pairs, pairs * every, every))


def read_products(reading: Reading) -> Tensor:
    """Permutation matrix ``(31, 31)`` that maps ``products`` to those of a reading."""
    legs = read_legs(reading)
    pairs = torch.zeros(len(PAIRS), len(PAIRS))
    for row, (i, j) in enumerate(PAIRS):
        pairs[row, PAIRS.index((min(legs[i], legs[j]), max(legs[i], legs[j])))] = 1
    return torch.block_diag(pairs, pairs, torch.ones(1, 1))


class HelicityScores(nn.Module):
    """Log-probabilities of the helicity configurations.

    The score is a sum over even products of helicities. A network computes their coefficients from
    the features of the event, averaged over all readings.
    """

    products: Tensor

    def __init__(self, features: Reader, width: int) -> None:
        """Create a network with two hidden layers, which starts from equal probabilities.

        Args:
            features: reader of the features of events.
            width: number of hidden units.
        """
        super().__init__()
        self.features, self.signs = features, Reader(read_products)
        self.first = nn.Parameter(torch.randn(width, features.values) * features.values**-0.5)
        self.shift = nn.Parameter(torch.zeros(width))
        self.second = nn.Linear(width, width)
        self.last = nn.Parameter(torch.zeros(width, self.signs.values))
        self.constant = nn.Parameter(torch.zeros(1, self.signs.values))
        self.register_buffer("products", products(), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Log-probabilities ``(n, 64)`` by helicity code, from features ``(n, f)``."""
        hidden = (features @ self.features(self.first).T).view(len(features), len(READINGS), -1)
        hidden = functional.silu(self.second(functional.silu(hidden + self.shift)))
        coefficients = hidden.flatten(1) @ self.signs(self.last)
        coefficients = coefficients + self.signs(self.constant).sum(0)
        return (coefficients @ self.products / _TYPICAL_SUM).log_softmax(dim=1)


_TYPICAL_SUM = 10.0
"""Scales sums over the readings to order one."""
