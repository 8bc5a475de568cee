"""Detector card: its formulas at points worked out by hand, and its grids."""

import numpy as np
import pytest

from hepdensity.physics.detector.card import ATLAS, Efficiency, EnergyResolution, TrackResolution

ECAL, HCAL = ATLAS.ecal, ATLAS.hcal


@pytest.mark.parametrize(
    ("rule", "pt", "eta", "expected"),
    [
        (ATLAS.hadron_track.efficiency, 0.1, 0.0, 0.0),
        (ATLAS.hadron_track.efficiency, 0.1001, 0.0, 0.70),
        (ATLAS.hadron_track.efficiency, 1.0, 1.5, 0.70),
        (ATLAS.hadron_track.efficiency, 1.0, -1.51, 0.60),
        (ATLAS.hadron_track.efficiency, 1.01, 0.0, 0.95),
        (ATLAS.hadron_track.efficiency, 50.0, -2.5, 0.85),
        (ATLAS.hadron_track.efficiency, 50.0, 2.51, 0.0),
        (ATLAS.electron_track.efficiency, 0.5, 0.0, 0.73),
        (ATLAS.electron_track.efficiency, 0.5, 2.0, 0.50),
        (ATLAS.electron_track.efficiency, 100.0, 0.0, 0.95),
        (ATLAS.electron_track.efficiency, 100.0, 2.0, 0.83),
        (ATLAS.electron_track.efficiency, 101.0, 0.0, 0.99),
        (ATLAS.electron_track.efficiency, 101.0, 2.0, 0.90),
        (ATLAS.muon_track.efficiency, 0.5, 0.0, 0.75),
        (ATLAS.muon_track.efficiency, 0.5, 2.0, 0.70),
        (ATLAS.muon_track.efficiency, 5.0, 0.0, 0.99),
        (ATLAS.muon_track.efficiency, 5.0, 2.0, 0.98),
        (ATLAS.muon_track.efficiency, 5.0, 2.6, 0.0),
        (ATLAS.photon, 10.0, 0.0, 0.0),
        (ATLAS.photon, 10.1, 0.0, 0.95),
        (ATLAS.photon, 10.1, 1.6, 0.85),
        (ATLAS.photon, 10.1, 2.6, 0.0),
        (ATLAS.electron, 15.0, -1.0, 0.95),
        (ATLAS.electron, 15.0, -2.0, 0.85),
        (ATLAS.electron, 10.1, 1.0, 0.95),
        (ATLAS.muon, 10.0, 1.0, 0.0),
        (ATLAS.muon, 10.1, 1.0, 0.95),
        (ATLAS.muon, 15.0, 2.7, 0.85),
        (ATLAS.muon, 15.0, 2.71, 0.0),
    ],
)
def test_efficiencies(rule: Efficiency, pt: float, eta: float, expected: float) -> None:
    assert rule(np.array([pt]), np.array([eta])) == [expected]


def test_efficiencies_of_leptons_with_tracks() -> None:
    pt, eta = np.array([50.0, 50.0, 150.0, 150.0]), np.array([1.0, 2.0, 1.0, 2.0])
    electron = ATLAS.electron_track.efficiency(pt, eta) * ATLAS.electron(pt, eta)
    np.testing.assert_allclose(electron, [0.9025, 0.7055, 0.9405, 0.765])
    muon = ATLAS.muon_track.efficiency(pt, eta) * ATLAS.muon(pt, eta)
    np.testing.assert_allclose(muon, [0.9405, 0.833, 0.9405, 0.833])


@pytest.mark.parametrize(
    ("rule", "pt", "eta", "expected"),
    [
        (ATLAS.hadron_track.resolution, 0.0, 0.5, 0.06),
        (ATLAS.hadron_track.resolution, 100.0, 0.5, np.hypot(0.06, 0.13)),
        (ATLAS.hadron_track.resolution, 100.0, -1.5, np.hypot(0.10, 0.17)),
        (ATLAS.hadron_track.resolution, 100.0, 2.5, np.hypot(0.25, 0.31)),
        (ATLAS.hadron_track.resolution, 1000.0, 2.0, 1.0),
        (ATLAS.electron_track.resolution, 100.0, 0.2, np.hypot(0.03, 0.13)),
        (ATLAS.electron_track.resolution, 100.0, 1.0, np.hypot(0.05, 0.17)),
        (ATLAS.electron_track.resolution, 100.0, 2.0, np.hypot(0.15, 0.31)),
        (ATLAS.muon_track.resolution, 100.0, 0.2, np.hypot(0.01, 0.01)),
        (ATLAS.muon_track.resolution, 100.0, 1.0, np.hypot(0.015, 0.015)),
        (ATLAS.muon_track.resolution, 100.0, 2.0, np.hypot(0.025, 0.035)),
        (ATLAS.muon_track.resolution, 100.0, 2.6, 0.0),
    ],
)
def test_track_resolutions(rule: TrackResolution, pt: float, eta: float, expected: float) -> None:
    np.testing.assert_allclose(rule(np.array([pt]), np.array([eta])), expected)


@pytest.mark.parametrize(
    ("rule", "energy", "eta", "expected"),
    [
        (ECAL.resolution, 100.0, 1.0, np.hypot(0.17, 1.01)),
        (ECAL.resolution, 100.0, 3.2, np.hypot(0.17, 1.01)),
        (ECAL.resolution, 100.0, -4.9, np.hypot(3.5, 2.85)),
        (ECAL.resolution, 100.0, 4.91, 0.0),
        (HCAL.resolution, 100.0, 1.7, np.sqrt(3.02**2 + 5.205**2 + 1.59**2)),
        (HCAL.resolution, 100.0, 3.2, np.hypot(5.0, 7.06)),
        (HCAL.resolution, 100.0, 4.9, np.hypot(9.42, 10.0)),
        (HCAL.resolution, 0.0, 1.0, 1.59),
    ],
)
def test_energy_resolutions(
    rule: EnergyResolution, energy: float, eta: float, expected: float
) -> None:
    np.testing.assert_allclose(rule(np.array([energy]), np.array([eta])), expected)


@pytest.mark.parametrize(("eta", "energy"), [(1.0, 3.78), (2.5, 2.01), (4.0, 4.15)])
def test_energies_of_two_standard_deviations(eta: float, energy: float) -> None:
    around = np.array([energy - 0.006, energy + 0.006])
    excess = around - 2 * HCAL.resolution(around, np.full(2, eta))
    assert excess[0] < 0 < excess[1]


def test_b_tag() -> None:
    pt = np.array([30.0, 50.0, 100.0, 200.0, 500.0, 1000.0])
    beauty, charm = (ATLAS.b_tag(pt, np.full(6, flavour)) for flavour in (5, 4))
    np.testing.assert_allclose(beauty, [0.602, 0.674, 0.728, 0.708, 0.494, 0.275], atol=6e-4)
    np.testing.assert_allclose(charm, [0.098, 0.130, 0.144, 0.119, 0.074, 0.046], atol=6e-4)
    for light in (0, 1, 2, 3, 21):
        np.testing.assert_allclose(ATLAS.b_tag(pt, np.full(6, light)), 0.002 + 7.3e-6 * pt)


def test_jet_energy_scale() -> None:
    pt = np.array([20.0, 50.0, 100.0, 200.0, 500.0])
    scale = ATLAS.jets.energy_scale(pt, np.zeros(5))
    np.testing.assert_allclose(scale, [1.204, 1.086, 1.044, 1.022, 1.009], atol=6e-4)
    np.testing.assert_allclose(
        ATLAS.jets.energy_scale(pt, np.full(5, -2.0)), np.sqrt(2.6**2 / pt + 1)
    )


def test_bending() -> None:
    np.testing.assert_allclose(ATLAS.bending_pt, 0.345, rtol=1e-3)


def test_grid_of_the_electromagnetic_calorimeter() -> None:
    edges, cells = np.array(ECAL.grid.eta_edges), np.array(ECAL.grid.phi_cells)
    outer = [2.958, 3.125, 3.3, 3.475, 3.65, 3.825, 4, 4.175, 4.35, 4.525, 4.7, 5]
    fine = np.arange(-170, 171) * 0.0174
    np.testing.assert_allclose(edges, [*-np.array(outer[:0:-1]), *fine, *outer[1:]], atol=1e-9)
    np.testing.assert_array_equal(cells[:11], 36)
    np.testing.assert_array_equal(cells[11:-11], 360)
    np.testing.assert_array_equal(cells[-11:], 36)


def test_grid_of_the_hadronic_calorimeter() -> None:
    """A ring has the cells that the card attaches to its upper edge."""
    edges, cells = np.array(HCAL.grid.eta_edges), np.array(HCAL.grid.phi_cells)
    backward = [-4.9, -4.7, -4.5, -4.3, -4.1, -3.9, -3.7, -3.5, -3.3, -3.2, -3.0, -2.8, -2.6]
    forward = [2.6, 2.8, 3.0, 3.2, 3.3, 3.5, 3.7, 3.9, 4.1, 4.3, 4.5, 4.7, 4.9]
    np.testing.assert_allclose(edges, [*backward, *np.arange(-25, 26) / 10, *forward], atol=1e-9)
    upper = dict(zip(edges[1:].round(1), cells, strict=True))
    assert {edge for edge, count in upper.items() if count == 36} == {
        -3.2,
        2.6,
        3.3,
        *(np.arange(-25, 26) / 10),
    }
    assert set(cells) == {18, 36}


def test_other_radius_of_jets() -> None:
    wide = ATLAS.with_jet_radius(0.6)
    assert (wide.jets.radius, ATLAS.jets.radius) == (0.6, 0.4)
    assert wide.jets.min_pt == 20.0


def test_thresholds_and_other_numbers() -> None:
    assert (ECAL.threshold, HCAL.threshold) == (0.5, 1.0)
    assert (ECAL.significance, HCAL.significance) == (2.0, 2.0)
    assert (ATLAS.field, ATLAS.radius, ATLAS.half_length, ATLAS.long_lived) == (
        2.0,
        1.15,
        3.51,
        0.3,
    )
    isolation, jets = ATLAS.isolation, ATLAS.jets
    assert (isolation.radius, isolation.min_pt) == (0.5, 0.5)
    assert (isolation.photon, isolation.electron, isolation.muon) == (0.12, 0.12, 0.25)
    assert (jets.radius, jets.min_pt, jets.flavour_radius) == (0.4, 20.0, 0.5)
    assert (jets.parton_pt, jets.parton_eta) == (1.0, 2.5)
