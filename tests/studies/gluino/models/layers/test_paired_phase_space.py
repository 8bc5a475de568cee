"""Coordinates of two pairs: exchanges of particles are reflections of the cube.

``test_phase_space`` tests that they are a bijection.
"""

import pytest
import torch
from torch import Tensor

from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino.models.layers.paired_phase_space import PairedPhaseSpace


@pytest.fixture
def angles(generator: torch.Generator) -> Tensor:
    return momenta_to_angles(rambo(200, 4, 1.0, 0.0, generator)[0])


def cube_after(angles: Tensor, order: tuple[int, ...]) -> Tensor:
    reordered = angles.view(-1, 4, 2)[:, list(order)].flatten(1)
    return PairedPhaseSpace().inverse(reordered)[0]


@pytest.mark.parametrize(
    ("order", "theta", "phi"),
    [((1, 0, 2, 3), 2, 3), ((0, 1, 3, 2), 4, 5)],
    ids=["first pair", "second pair"],
)
def test_exchange_within_a_pair_reverses_its_direction(
    angles: Tensor, order: tuple[int, ...], theta: int, phi: int
) -> None:
    expected, _ = PairedPhaseSpace().inverse(angles)
    expected[:, theta] = 1 - expected[:, theta]
    expected[:, phi] = (expected[:, phi] + 0.5) % 1
    torch.testing.assert_close(cube_after(angles, order), expected, atol=1e-8, rtol=0)


def test_exchange_of_the_pairs_reverses_the_axis_and_the_mass_difference(angles: Tensor) -> None:
    z, _ = PairedPhaseSpace().inverse(angles)
    reverse = torch.stack((1 - z[:, 0], (z[:, 1] + 0.5) % 1), dim=1)
    expected = torch.cat((reverse, z[:, 4:6], z[:, 2:4], z[:, 6:7], 1 - z[:, 7:]), dim=1)
    torch.testing.assert_close(cube_after(angles, (2, 3, 0, 1)), expected, atol=1e-8, rtol=0)


def test_masses_of_the_pairs_decide_the_last_two_columns() -> None:
    z = torch.full((2, 8), 0.3, dtype=torch.float64)
    z[:, 6:] = torch.tensor([[0.2, 0.5], [0.8, 0.9]])
    momenta = PairedPhaseSpace().cube_to_momenta(z)
    pairs = momenta.unflatten(1, (2, 2)).sum(2)
    squared = pairs[..., 0].square() - pairs[..., 1:].square().sum(-1)
    assert squared[0, 0].item() == pytest.approx(squared[0, 1].item(), abs=1e-12)
    assert squared[1, 0] > squared[1, 1]
    assert squared[1].sum() > squared[0].sum()
