"""Structures that carry the spins of an amplitude."""

import pytest
import torch
from torch import Tensor

from hepdensity.models.layers.permutation import reorder_particles
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.models.labels import pack, unpack
from hepdensity.studies.gluino.models.layers.invariants import outgoing_momenta
from hepdensity.studies.gluino.models.layers.spin_structures import (
    COUNT,
    STRUCTURES,
    read_structures,
    spin_structures,
)
from hepdensity.studies.gluino.models.networks.legs import READINGS, Reading

MASS, EVENTS = 0.2, 30


@pytest.fixture
def angles(generator: torch.Generator) -> Tensor:
    return momenta_to_angles(rambo(EVENTS, 4, 1.0, 0.0, generator)[0])


@pytest.fixture
def helicities(generator: torch.Generator) -> Tensor:
    return 2 * torch.randint(2, (EVENTS, 6), generator=generator) - 1


def structures_of(angles: Tensor, helicities: Tensor) -> Tensor:
    """Complex structures ``(n, COUNT)``."""
    return torch.complex(*spin_structures(outgoing_momenta(angles, MASS), helicities).unbind(1))


def interferences(structures: Tensor) -> Tensor:
    """The part on which squared amplitudes depend: no common phase, no conjugation."""
    probes = torch.randn(COUNT, 40, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    return (structures @ probes.to(structures.dtype)).abs()


def test_structures_are_distinct() -> None:
    assert len(set(STRUCTURES)) == len(STRUCTURES)
    assert 3 * len(STRUCTURES) == COUNT


def test_interferences_do_not_change_under_rotation_and_reflection(
    angles: Tensor, helicities: Tensor
) -> None:
    odd = torch.arange(8) % 2 == 1
    expected = interferences(structures_of(angles, helicities))
    rotated = torch.where(odd, (angles + 0.3) % 1, angles)
    reflected = torch.where(odd, 1 - angles, angles)
    for moved in (rotated, reflected):
        found = interferences(structures_of(moved, helicities))
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert expected.std() > 0.1


def test_interferences_do_not_change_when_all_helicities_flip(
    angles: Tensor, helicities: Tensor
) -> None:
    torch.testing.assert_close(
        interferences(structures_of(angles, -helicities)),
        interferences(structures_of(angles, helicities)),
    )


@pytest.mark.parametrize("reading", READINGS[5:24:6], ids=str)
def test_exchanged_gluinos_are_another_reading(
    reading: Reading, angles: Tensor, helicities: Tensor
) -> None:
    batch = pack(angles, helicities, torch.zeros(EVENTS, 5))
    order = torch.tensor([leg - 2 for leg in reading[0]]).expand(EVENTS, -1)
    moved, moved_helicities, _ = unpack(reorder_particles(layouts.labels())(batch, order))
    first = read_structures(READINGS[0]).to(torch.complex128)
    found = structures_of(moved, moved_helicities) @ first.T
    expected = structures_of(angles, helicities) @ read_structures(reading).to(first).T
    torch.testing.assert_close(found, expected)


def test_half_a_turn_exchanges_the_gluons(angles: Tensor, helicities: Tensor) -> None:
    turned = 1 - angles
    exchanged = helicities[:, [1, 0, 2, 3, 4, 5]]
    first, other = (
        read_structures(((2, 3, 4, 5), flag)).to(torch.complex128) for flag in (False, True)
    )
    torch.testing.assert_close(
        interferences(structures_of(turned, exchanged) @ first.T),
        interferences(structures_of(angles, helicities) @ other.T),
        atol=1e-6,
        rtol=0,
    )


def test_readings_are_signed_permutations() -> None:
    for reading in READINGS[::7]:
        matrix = read_structures(reading)
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(COUNT))


def test_gluons_along_one_spin_couple_to_parallel_polarisations_only(angles: Tensor) -> None:
    """e0.e1 is 1 for equal helicities, i.e. opposite spins along the beam, and 0 otherwise."""
    singlets = STRUCTURES.index((("e0", "e1"), ("s",), ("s'",)))
    equal = torch.ones(EVENTS, 6)
    opposite = equal.clone()
    opposite[:, 1] = -1
    assert structures_of(angles, equal)[:, singlets].abs().max() > 0.1
    assert structures_of(angles, opposite)[:, singlets].abs().max() < 1e-12
