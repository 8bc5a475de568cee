"""Jets of the detector: energy scale, flavours by hand, and b-tag rates."""

import numpy as np
import pytest
from particle_events import particles_of

from hepdensity.physics.detector.card import ATLAS
from hepdensity.physics.detector.jets import calibrated, jet_flavours
from hepdensity.physics.detector.random import Randoms
from hepdensity.physics.detector.reconstruction import Jets
from hepdensity.physics.jets import ClusteredJets

Row = tuple[int, float, float, float]


@pytest.mark.parametrize(
    ("partons", "flavour"),
    [
        ([], 0),
        ([(21, 50.0, 0.0, 0.0)], 21),
        ([(21, 50.0, 0.0, 0.0), (1, 2.0, 0.1, 0.0)], 1),
        ([(4, 50.0, 0.0, 0.0), (-5, 1.1, 0.3, -0.3)], 5),
        ([(-4, 50.0, 0.0, 0.0), (3, 90.0, 0.0, 0.0)], 4),
        ([(5, 1.0, 0.0, 0.0), (2, 90.0, 0.0, 0.0)], 2),  # too soft
        ([(5, 50.0, 0.51, 0.0), (2, 90.0, 0.0, 0.0)], 2),  # too far
        ([(5, 50.0, 0.499, 0.0)], 5),
        ([(6, 50.0, 0.0, 0.0)], 0),  # top quarks decay
    ],
)
def test_flavour(partons: list[Row], flavour: int) -> None:
    particles = particles_of([[], []], [[], partons])
    found = jet_flavours(np.zeros(1), np.zeros(1), np.array([0, 0, 1]), particles, ATLAS.jets)
    assert found.tolist() == [flavour]


def test_flavour_needs_partons_in_the_acceptance_and_crosses_the_seam() -> None:
    particles = particles_of(
        [[]], [[(5, 50.0, 2.51, 0.0), (4, 9.0, 2.49, 0.0), (5, 9.0, 0.0, 3.1)]]
    )
    eta, phi = np.array([2.5, 0.0]), np.array([0.0, -3.1])
    found = jet_flavours(eta, phi, np.array([0, 2]), particles, ATLAS.jets)
    assert found.tolist() == [4, 5]


def test_stable_particles_give_no_flavour() -> None:
    particles = particles_of([[(5, 50.0, 0.0, 0.0)]])
    found = jet_flavours(np.zeros(1), np.zeros(1), np.array([0, 1]), particles, ATLAS.jets)
    assert found.tolist() == [0]


def calibrate(pt: float, eta: float, flavour: int, n: int) -> Jets:
    particles = particles_of([[]] * n, [[(flavour, 50.0, eta, 0.5)]] * n)
    energy = np.hypot(pt * np.cosh(eta), 10.0)
    momentum = (pt * np.cos(0.5), pt * np.sin(0.5), pt * np.sinh(eta), energy)
    found = ClusteredJets(np.arange(n + 1), np.tile(momentum, (n, 1)), np.full(n, -1))
    return calibrated(found, particles, Randoms(3, particles.event_id), ATLAS)


def test_energy_scale_multiplies_momentum_and_mass() -> None:
    jets = calibrate(50.0, 1.0, 21, 1)
    scale = np.sqrt(2.8**2 / 50 + 1)
    found = [jets.pt[0], jets.eta[0], jets.phi[0], jets.mass[0], jets.raw_pt[0]]
    np.testing.assert_allclose(found, [50 * scale, 1.0, 0.5, 10 * scale, 50.0])


@pytest.mark.parametrize("flavour", [5, 4, 2, 21])
def test_b_tag_rates(flavour: int) -> None:
    n = 20_000
    jets = calibrate(100.0, 0.3, flavour, n)
    assert (jets.flavour == flavour).all()
    expected = ATLAS.b_tag(jets.pt[:1], jets.flavour[:1])[0]
    spread = np.sqrt(expected * (1 - expected) / n)
    assert jets.b_tag.mean() == pytest.approx(expected, abs=4 * spread)
