"""Calorimeters: cells, conservation of energy, thresholds, resolution, and energy flow by hand."""

from dataclasses import replace

import numpy as np
import pytest
from particle_events import gun, particles_of, spray

from hepdensity.physics.detector.calorimeter import Towers, cells_of, explain
from hepdensity.physics.detector.card import ATLAS, Card, EnergyResolution, Grid
from hepdensity.physics.detector.propagation import arrivals
from hepdensity.physics.detector.random import Randoms
from hepdensity.physics.detector.reconstruct import calorimeters
from hepdensity.physics.detector.species import species_of
from hepdensity.physics.detector.tracker import Tracks
from hepdensity.physics.particles import Particles

EXACT = EnergyResolution((5.0,), (0.0,), (0.0,), (0.0,))
PERFECT = replace(
    ATLAS,
    ecal=replace(ATLAS.ecal, resolution=EXACT, threshold=0.0),
    hcal=replace(ATLAS.hcal, resolution=EXACT, threshold=0.0),
)


def towers_of(particles: Particles, card: Card = ATLAS) -> tuple[Towers, Towers]:
    species = species_of(particles.pdg_id, particles.final)
    eta, phi = arrivals(particles, species, card)
    return calorimeters(particles, species, eta, phi, Randoms(1, particles.event_id), card)


def test_cells_are_counted_ring_by_ring() -> None:
    grid = Grid((-1.0, 0.0, 2.0), (4, 8))
    eta = np.array([-1.0, -0.5, 0.0, 1.9, 2.0, -1.1, np.nan, 0.5])
    phi = np.array([-np.pi, 0.1, -np.pi, 3.0, 0.0, 0.0, np.nan, np.nextafter(np.pi, 0)])
    assert cells_of(eta, phi, grid).tolist() == [0, 2, 4, 11, -1, -1, -1, 11]


def test_each_tower_lies_in_its_cell() -> None:
    particles = spray(20, 3)
    species = species_of(particles.pdg_id, particles.final)
    eta, phi = arrivals(particles, species, ATLAS)
    for towers, grid in zip(towers_of(particles), (ATLAS.ecal.grid, ATLAS.hcal.grid), strict=True):
        hit = np.flatnonzero(towers.of_particle >= 0)
        tower = towers.of_particle[hit]
        assert len(hit) > 300
        np.testing.assert_array_equal(
            cells_of(eta[hit], phi[hit], grid),
            cells_of(towers.eta[tower], towers.phi[tower], grid),
        )


def test_energy_is_conserved_before_smearing() -> None:
    """All of each particle goes where the card says: compare with a sum over particles."""
    particles = spray(30, 5)
    species = species_of(particles.pdg_id, particles.final)
    eta, _ = arrivals(particles, species, ATLAS)
    share = {11: 1.0, 22: 1.0, 310: 0.3, 211: 0.0, 130: 0.0, 2212: 0.0}
    visible = particles.final & np.isin(np.abs(particles.pdg_id), list(share))
    ecal, hcal = towers_of(particles)
    for towers, edge, is_ecal in ((ecal, 5.0, True), (hcal, 4.9, False)):
        in_grid = visible & (np.abs(np.nan_to_num(eta, nan=9.0)) < edge)
        fraction = np.array([share.get(abs(int(code)), 0.0) for code in particles.pdg_id])
        energy = in_grid * particles.energy * (fraction if is_ecal else 1 - fraction)
        expected = np.add.reduceat(energy, particles.offsets[:-1])
        np.testing.assert_allclose(np.add.reduceat(towers.deposited, towers.offsets[:-1]), expected)


def test_a_perfect_calorimeter_measures_what_is_deposited() -> None:
    for towers in towers_of(spray(10, 6), PERFECT):
        np.testing.assert_allclose(towers.energy, towers.deposited)


def test_muons_and_invisible_particles_leave_no_energy() -> None:
    particles = particles_of(
        [[(13, 50.0, 0.1, 0.0), (12, 50.0, 0.3, 1.0), (1000022, 9.0, 0.0, 0.0)]]
    )
    assert [len(towers.energy) for towers in towers_of(particles)] == [0, 0]


@pytest.mark.parametrize(
    ("code", "pt", "eta"),
    [(22, 50.0, 0.1), (22, 20.0, 3.5), (211, 60.0, 0.1), (130, 60.0, -2.2), (211, 60.0, 3.8)],
)
def test_resolution(code: int, pt: float, eta: float) -> None:
    n = 4000
    particles = gun(code, pt, eta, n)
    ecal, hcal = towers_of(particles)
    towers, rule = (ecal, ATLAS.ecal) if code == 22 else (hcal, ATLAS.hcal)
    energy = particles.energy[0]
    width = rule.resolution(np.array([energy]), np.array([eta]))[0]
    assert len(towers.energy) == n
    assert towers.energy.mean() == pytest.approx(energy, abs=4 * width / np.sqrt(n))
    b = np.sqrt(np.log(1 + (width / energy) ** 2))
    assert np.log(towers.energy).std() == pytest.approx(b, rel=4 / np.sqrt(2 * n))


def test_thresholds() -> None:
    soft, _ = towers_of(gun(22, 0.45, 0.0, 2000))
    kept = soft.energy > 0
    assert 0 < kept.sum() < 2000
    assert (soft.energy[kept] >= 0.5).all()
    _, hadrons = towers_of(gun(130, 3.7, 0.0, 2000))
    kept = hadrons.energy > 0
    assert 0 < kept.sum() < 2000
    assert hadrons.energy[kept].min() == pytest.approx(3.78, abs=0.01)


def test_no_particles() -> None:
    for towers in towers_of(particles_of([[], []])):
        assert towers.offsets.tolist() == [0, 0, 0]


def _one_tower(energy: float, deviation: float) -> Towers:
    """A tower that the particles 0 and 1 hit, and not particle 2."""
    value = np.array([energy])
    return Towers(
        offsets=np.array([0, 1]),
        eta=np.zeros(1),
        phi=np.zeros(1),
        deposited=value,
        energy=value,
        deviation=np.array([deviation]),
        of_particle=np.array([0, 0, -1]),
    )


def _tracks(*energies: float) -> tuple[Tracks, np.ndarray]:
    n = len(energies)
    tracks = Tracks(
        offsets=np.array([0, n]),
        particle=np.arange(n),
        pt=np.array(energies),
        eta=np.zeros(n),
        phi=np.zeros(n),
        resolution=np.full(n, 0.1),
    )
    return tracks, np.array(energies)


def test_significant_excess_is_neutral_and_tracks_stay() -> None:
    """Tracks 30 +- 3 and 40 +- 4, tower 90 +- 6: excess 20 > 2 sqrt(9 + 16 + 36) = 15.6."""
    tracks, energy = _tracks(30.0, 40.0, 50.0)
    excess, corrected = explain(_one_tower(90.0, 6.0), tracks, energy, ATLAS.hcal)
    assert excess.tolist() == [20.0]
    np.testing.assert_array_equal(corrected, [30.0, 40.0, 50.0])


def test_tracks_are_averaged_with_the_tower_without_excess() -> None:
    """Tracks 70 +- 5, tower 84 +- 10: mean (70 / 25 + 84 / 100) / (1 / 25 + 1 / 100) = 72.8."""
    tracks, energy = _tracks(30.0, 40.0, 50.0)
    excess, corrected = explain(_one_tower(84.0, 10.0), tracks, energy, ATLAS.hcal)
    assert excess.tolist() == [0.0]
    np.testing.assert_allclose(corrected, [30 * 72.8 / 70, 40 * 72.8 / 70, 50.0])


def test_tracks_of_a_tower_below_threshold() -> None:
    """The tower counts as 0 with its deviation: (2 / 0.04 + 0) / (1 / 0.04 + 1 / 4) = 1.980."""
    tracks, energy = _tracks(2.0)
    excess, corrected = explain(_one_tower(0.0, 2.0), tracks, energy, ATLAS.hcal)
    assert excess.tolist() == [0.0]
    np.testing.assert_allclose(corrected, [50 / 25.25])
    _, precise = explain(_one_tower(1.0, 0.2), tracks, energy, ATLAS.ecal)
    np.testing.assert_allclose(precise, [1.5])
    _, unchanged = explain(_one_tower(0.0, 0.0), tracks, energy, ATLAS.ecal)
    assert unchanged.tolist() == [2.0]


def test_excess_must_exceed_the_threshold() -> None:
    tracks, energy = _tracks()
    for measured, expected in ((0.9, 0.0), (1.1, 1.1)):
        excess, _ = explain(_one_tower(measured, 0.0), tracks, energy, ATLAS.hcal)
        assert excess.tolist() == [expected]
