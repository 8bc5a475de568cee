"""Tracks: efficiency and resolution against the card, for particles of fixed momentum."""

import numpy as np
import pytest
from particle_events import gun, particles_of

from hepdensity.physics.detector.card import ATLAS, Track
from hepdensity.physics.detector.propagation import arrivals
from hepdensity.physics.detector.random import Randoms
from hepdensity.physics.detector.species import species_of
from hepdensity.physics.detector.tracker import Tracks, find_tracks
from hepdensity.physics.particles import Particles

N = 4000


def tracks_of(particles: Particles, seed: int = 1) -> Tracks:
    species = species_of(particles.pdg_id, particles.final)
    eta, _ = arrivals(particles, species, ATLAS)
    return find_tracks(particles, species, eta, Randoms(seed, particles.event_id), ATLAS)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (211, ATLAS.hadron_track),
        (-2212, ATLAS.hadron_track),
        (11, ATLAS.electron_track),
        (-13, ATLAS.muon_track),
    ],
    ids=["pion", "antiproton", "electron", "antimuon"],
)
@pytest.mark.parametrize(("pt", "eta"), [(0.6, 0.3), (30.0, 1.0), (150.0, -2.0)])
def test_efficiency_and_resolution(code: int, rule: Track, pt: float, eta: float) -> None:
    tracks = tracks_of(gun(code, pt, eta, N))
    efficiency = rule.efficiency(np.array([pt]), np.array([eta]))[0]
    found = len(tracks.pt) / N
    assert found == pytest.approx(efficiency, abs=4 * np.sqrt(efficiency * (1 - efficiency) / N))
    width = rule.resolution(np.array([pt]), np.array([eta]))[0]
    np.testing.assert_allclose(tracks.resolution, width)
    n = len(tracks.pt)
    assert tracks.pt.mean() == pytest.approx(pt, abs=4 * width * pt / np.sqrt(n))
    b = np.sqrt(np.log(1 + width**2))
    assert np.log(tracks.pt).std() == pytest.approx(b, rel=4 / np.sqrt(2 * n))


def test_directions_and_energies_of_tracks() -> None:
    particles = particles_of(
        [[(22, 50.0, 0.0, 0.0), (13, 80.0, 1.2, 2.5)], [(13, 9.0, -0.4, -1.0)]]
    )
    tracks = tracks_of(particles)
    assert tracks.offsets.tolist() == [0, 1, 2]
    assert tracks.particle.tolist() == [1, 2]
    np.testing.assert_allclose(tracks.eta, [1.2, -0.4])
    np.testing.assert_allclose(tracks.phi, [2.5, -1.0])
    np.testing.assert_allclose(tracks.energy, tracks.pt * np.cosh([1.2, -0.4]))


@pytest.mark.parametrize("row", [(211, 0.09, 0.0), (211, 50.0, 2.51), (22, 50.0, 0.0)])
def test_who_leaves_no_track(row: tuple[int, float, float]) -> None:
    assert len(tracks_of(gun(*row, 200)).pt) == 0


def test_formulas_take_the_pseudorapidity_at_the_calorimeter() -> None:
    """A soft track bends and so arrives at a larger |eta| than it starts with."""
    particles = gun(211, 0.3, 2.47, 500)
    species = species_of(particles.pdg_id, particles.final)
    assert (arrivals(particles, species, ATLAS)[0] > 2.5).all()
    assert len(tracks_of(particles).pt) == 0
