"""Boosts to the rest frame and back."""

import pytest
import torch
from torch import Tensor

from hepdensity.studies.gluino.models.layers.boosts import (
    direction,
    from_rest_frame,
    lightlike,
    reversed_momenta,
    to_rest_frame,
)


@pytest.fixture
def frame(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Massive momenta and their masses."""
    vector = torch.randn(30, 3, generator=generator, dtype=torch.float64)
    mass = 0.1 + torch.rand(30, generator=generator, dtype=torch.float64)
    energy = (mass.square() + vector.square().sum(1)).sqrt()
    return torch.cat((energy[:, None], vector), dim=1), mass


def test_a_momentum_rests_in_its_own_frame(frame: tuple[Tensor, Tensor]) -> None:
    momentum, mass = frame
    rest = to_rest_frame(momentum[:, None], momentum, mass)[:, 0]
    torch.testing.assert_close(rest[:, 0], mass)
    assert rest[:, 1:].abs().max() < 1e-12


def test_boosts_keep_products_and_undo_each_other(
    frame: tuple[Tensor, Tensor], generator: torch.Generator
) -> None:
    momenta = torch.randn(30, 3, 4, generator=generator, dtype=torch.float64)
    boosted = to_rest_frame(momenta, *frame)
    metric = torch.tensor([1.0, -1, -1, -1], dtype=torch.float64)
    before, after = ((p * metric) @ p.transpose(1, 2) for p in (momenta, boosted))
    torch.testing.assert_close(after, before, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(from_rest_frame(boosted, *frame), momenta)


def test_directions_and_momenta_undo_each_other(generator: torch.Generator) -> None:
    angles = torch.rand(50, 2, generator=generator, dtype=torch.float64)
    momenta = lightlike(*angles.unbind(1))
    torch.testing.assert_close(direction(3 * momenta), angles)
    torch.testing.assert_close(momenta[:, 1:].norm(dim=1), momenta[:, 0])
    opposite = direction(reversed_momenta(momenta))
    expected = torch.stack((1 - angles[:, 0], (angles[:, 1] + 0.5) % 1), dim=1)
    torch.testing.assert_close(opposite, expected)
