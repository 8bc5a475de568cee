"""Features of events have the symmetries of the amplitudes."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hepdensity.models.base import permute_particles
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino.models.layers.invariants import (
    FEATURES,
    TRIPLES,
    features,
    outgoing_momenta,
    read_features,
)
from hepdensity.studies.gluino.models.networks.legs import PAIRS

MASS = 0.2
ORDER = (2, 0, 3, 1)


@pytest.fixture
def angles(generator: torch.Generator) -> Tensor:
    return momenta_to_angles(rambo(50, 4, 1.0, 0.0, generator)[0])


def values_of(angles: Tensor, mass: float = MASS) -> Tensor:
    return features(outgoing_momenta(angles, mass), mass)


def rotate(x: Tensor) -> Tensor:
    return torch.where(torch.arange(8) % 2 == 1, (x + 0.3) % 1, x)


def reflect(x: Tensor) -> Tensor:
    return torch.where(torch.arange(8) % 2 == 1, 1 - x, x)


@pytest.mark.parametrize("motion", [rotate, reflect], ids=["rotation", "reflection"])
def test_features_are_invariant(angles: Tensor, motion: Callable[[Tensor], Tensor]) -> None:
    torch.testing.assert_close(values_of(motion(angles)), values_of(angles), atol=1e-6, rtol=0)


def test_momenta_are_on_shell_and_add_up(angles: Tensor) -> None:
    legs = outgoing_momenta(angles, MASS)
    zero = torch.zeros_like(legs[:, 0])
    torch.testing.assert_close(legs.sum(1), zero, atol=1e-9, rtol=0)
    squares = legs[..., 0].square() - legs[..., 1:].square().sum(-1)
    expected = torch.tensor([0.0, 0, *[MASS**2] * 4], dtype=legs.dtype).expand(50, -1)
    torch.testing.assert_close(squares, expected, atol=1e-9, rtol=0)


def test_exchanged_gluinos_are_another_reading(angles: Tensor) -> None:
    moved = permute_particles(angles, torch.tensor(ORDER).expand(50, -1))
    reading = read_features((tuple(place + 2 for place in ORDER), False)).double()
    torch.testing.assert_close(values_of(moved), values_of(angles) @ reading.T)


def test_reflection_along_the_beam_exchanges_the_gluons(angles: Tensor) -> None:
    mirrored = torch.where(torch.arange(8) % 2 == 0, 1 - angles, angles)
    reading = read_features(((2, 3, 4, 5), True)).double()
    torch.testing.assert_close(
        values_of(mirrored), values_of(angles) @ reading.T, atol=1e-6, rtol=0
    )


def test_channels_are_those_of_the_propagators(angles: Tensor) -> None:
    legs = outgoing_momenta(angles, MASS)
    for row, channel in ((PAIRS.index((1, 3)), (1, 3)), (15 + TRIPLES.index((0, 1, 4)), (0, 1, 4))):
        total = legs[:, list(channel)].sum(1)
        square = total[:, 0] ** 2 - total[:, 1:].square().sum(1)
        # one gluino runs through both
        denominator = (square - MASS**2).abs().log()
        found = values_of(angles)[:, 2 * row + 1]
        slope = torch.corrcoef(torch.stack((found, denominator)))[0, 1]
        assert slope.item() == pytest.approx(1, abs=1e-9)


def test_unphysical_angles_give_finite_features(generator: torch.Generator) -> None:
    found = values_of(torch.rand(200, 8, generator=generator))
    assert found.shape == (200, FEATURES)
    assert found.isfinite().all()
