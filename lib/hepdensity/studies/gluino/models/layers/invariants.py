"""Invariants of a four-gluino event, the input of the networks for labels.

Apart from spins, tree-level amplitudes depend on the denominators of propagators: one for each pair
of legs and one for each of the ten ways to split six legs into two triples. Because the gluinos are
massive, none of them vanishes. The denominators are invariant under rotations and reflections, and
so are the angles between legs, on which helicities depend.
"""

from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional

from hepdensity.physics.phase_space import angles_to_momenta
from hepdensity.studies.gluino.models.networks.legs import LEGS, PAIRS, Reading, read_legs

TRIPLES = tuple((0, *rest) for rest in combinations(range(1, LEGS), 2))
"""Three-particle channels, given by the triple that contains leg 0."""
FEATURES = 3 * len(PAIRS) + 2 * len(TRIPLES)
"""Denominator and its logarithm for each channel, then the cosine for each pair."""

_INCOMING = 2
_SMALLEST = 1e-6
# Typical values and spreads in units of sqrt(s): pairs by number of gluinos, then triples.
_DENOMINATORS = ((1.0, 1.0), (0.25, 0.094), (0.221, 0.037), (0.279, 0.106), (0.5, 0.056))
_LOGARITHMS = ((0.0, 1.0), (-1.46, 0.39), (-1.52, 0.162), (-1.36, 0.416), (-0.7, 0.115))
_COSINE = 0.65


def _kinds() -> list[int]:
    """Rows of the typical values: by number of gluinos for pairs, by its parity for triples."""
    pairs = [sum(leg >= _INCOMING for leg in pair) for pair in PAIRS]
    return pairs + [3 + sum(leg >= _INCOMING for leg in triple) % 2 for triple in TRIPLES]


def outgoing_momenta(angles: Tensor, mass: float) -> Tensor:
    """Outgoing momenta of all legs in units of sqrt(s), float64, shape ``(n, 6, 4)``.

    Unphysical angles give arbitrary finite momenta.
    """
    momenta, physical = angles_to_momenta(angles.double(), 1.0, mass)
    momenta = torch.where(physical[:, None, None], momenta, 0.25)
    beams = momenta.new_tensor([[-0.5, 0, 0, -0.5], [-0.5, 0, 0, 0.5]])
    return torch.cat((beams.expand(len(angles), -1, -1), momenta), dim=1)


def _denominators(legs: Tensor, mass: float) -> Tensor:
    """Absolute denominators ``(n, 25)`` of pairs and triples."""
    products = _products(legs)
    squares = products.diagonal(dim1=1, dim2=2)
    values = []
    for channel in (*PAIRS, *TRIPLES):
        virtuality = squares[:, list(channel)].sum(1)
        for i, j in combinations(channel, 2):
            virtuality = virtuality + 2 * products[:, i, j]
        odd = sum(leg >= _INCOMING for leg in channel) % 2
        values.append(virtuality - odd * mass**2)
    return torch.stack(values, dim=1).abs().clamp(min=_SMALLEST)


def _products(legs: Tensor) -> Tensor:
    metric = legs.new_tensor([1.0, -1.0, -1.0, -1.0])
    return (legs * metric) @ legs.transpose(1, 2)


def features(legs: Tensor, mass: float) -> Tensor:
    """Denominators of all propagators, their logarithms, and cosines, scaled to order one.

    Args:
        legs: momenta from ``outgoing_momenta``.
        mass: gluino mass in units of sqrt(s).

    Returns:
        Shape ``(n, FEATURES)``: the two values of each channel, pairs first, then the cosines of
        the angles between the legs of each pair.
    """
    values, kinds = _denominators(legs, mass), _kinds()
    mean, spread = legs.new_tensor(_DENOMINATORS)[kinds].T
    log_mean, log_spread = legs.new_tensor(_LOGARITHMS)[kinds].T
    scaled = (values - mean) / spread, (values.log() - log_mean) / log_spread
    first, second = (list(side) for side in zip(*PAIRS, strict=True))
    directions = functional.normalize(legs[..., 1:], dim=-1)
    cosines = (directions[:, first] * directions[:, second]).sum(-1) / _COSINE
    return torch.cat((torch.stack(scaled, dim=2).flatten(1), cosines), dim=1)


def read_features(reading: Reading) -> Tensor:
    """Permutation matrix ``(FEATURES, FEATURES)`` that maps ``features`` to those of a reading.

    Row r is feature r of the reading, column c is feature c of the event.
    """
    legs = read_legs(reading)
    channels = [frozenset(channel) for channel in (*PAIRS, *TRIPLES)]
    result = torch.zeros(len(channels), len(channels))
    for row, channel in enumerate(channels):
        read = frozenset(legs[leg] for leg in channel)
        if len(read) == 3 and 0 not in read:
            read = frozenset(range(LEGS)) - read
        result[row, channels.index(read)] = 1
    return torch.block_diag(torch.kron(result, torch.eye(2)), result[: len(PAIRS), : len(PAIRS)])
