"""Propagation in the field, against the helix followed in small steps."""

import numpy as np
import pytest
from particle_events import particles_of

from hepdensity.physics.detector.card import ATLAS
from hepdensity.physics.detector.propagation import arrivals
from hepdensity.physics.detector.species import species_of
from hepdensity.physics.particles import Particles


def arrive(particles: Particles) -> tuple[np.ndarray, np.ndarray]:
    return arrivals(particles, species_of(particles.pdg_id, particles.final), ATLAS)


def followed(charge: int, pt: float, eta: float, phi: float) -> tuple[float, float]:
    """Follow the helix in steps of 20 micrometres until it leaves the cylinder."""
    radius = pt / (0.299792458 * 2.0)
    s = np.arange(1, 2_000_000) * 2e-5
    turned = phi - charge * s / radius
    x = charge * radius * (np.sin(phi) - np.sin(turned))
    y = charge * radius * (np.cos(turned) - np.cos(phi))
    z = s * np.sinh(eta)
    out = np.argmax((np.hypot(x, y) >= 1.15) | (np.abs(z) >= 3.51))
    assert out > 0
    r = np.hypot(x[out], y[out])
    return float(np.arcsinh(z[out] / r)), float(np.arctan2(y[out], x[out]))


@pytest.mark.parametrize("code", [211, -211])
@pytest.mark.parametrize(
    ("pt", "eta", "phi"),
    [
        (0.4, 0.3, 0.2),
        (1.0, 1.0, -3.0),
        (5.0, -1.5, 1.0),
        (2.0, 2.5, 3.1),
        (0.3, 1.2, 0.5),
        (0.2, -2.0, 1.0),
    ],
)
def test_helix(code: int, pt: float, eta: float, phi: float) -> None:
    found = arrive(particles_of([[(code, pt, eta, phi)]]))
    expected = followed(1 if code > 0 else -1, pt, eta, phi)
    assert found[0][0] == pytest.approx(expected[0], abs=2e-3)
    assert np.angle(np.exp(1j * (found[1][0] - expected[1]))) == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("pt", [0.5, 1.0, 10.0, 100.0])
def test_angle_by_which_tracks_bend(pt: float) -> None:
    _, phi = arrive(particles_of([[(211, pt, 0.0, 1.0), (-211, pt, 0.0, 1.0)]]))
    bend = np.arcsin(0.345 / pt)
    np.testing.assert_allclose(phi, [1.0 - bend, 1.0 + bend], rtol=0, atol=2e-3 * bend)


def test_neutral_particles_fly_straight() -> None:
    eta, phi = arrive(particles_of([[(22, 0.1, 4.0, 3.0), (130, 9.0, -1.0, -3.1)]]))
    np.testing.assert_allclose(eta, [4.0, -1.0])
    np.testing.assert_allclose(phi, [3.0, -3.1])


def test_azimuths_are_in_one_turn() -> None:
    rows = [(code, 0.4, 0.1, phi) for code in (211, -211) for phi in np.linspace(-3.14, 3.14, 20)]
    _, phi = arrive(particles_of([rows]))
    assert ((phi >= -np.pi) & (phi < np.pi)).all()


def test_who_never_arrives() -> None:
    """Curling across the beam, along the beam, invisible, or no stable particle."""
    rows = [(211, 0.3, 0.0, 0.0), (211, 1e-8, 0.0, 0.0), (12, 50.0, 0.0, 0.0)]
    eta, phi = arrive(particles_of([rows], [[(5, 50.0, 0.0, 0.0)]]))
    assert np.isnan(eta).all()
    assert np.isnan(phi).all()
