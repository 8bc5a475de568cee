"""The whole detector: events by hand, reproducibility, and what does not depend on what."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from particle_events import gun, part_of, particles_of, spray

from hepdensity.physics.detector.card import ATLAS, Card, Efficiency, EnergyResolution
from hepdensity.physics.detector.reconstruct import missing_momentum, reconstruct
from hepdensity.physics.detector.reconstruction import Collection, Reconstruction

_ALWAYS = Efficiency((0.0,), (2.7,), ((1.0,),))
_EXACT = EnergyResolution((5.0,), (0.0,), (0.0,), (0.0,))


def perfect(card: Card = ATLAS) -> Card:
    """A detector that finds everything and measures all but tracks exactly."""
    tracks = {
        name: replace(getattr(card, name), efficiency=_ALWAYS)
        for name in ("hadron_track", "electron_track", "muon_track")
    }
    return replace(
        card,
        **tracks,
        ecal=replace(card.ecal, resolution=_EXACT),
        hcal=replace(card.hcal, resolution=_EXACT),
        photon=_ALWAYS,
        electron=_ALWAYS,
        muon=_ALWAYS,
    )


def assert_same(found: Reconstruction, expected: Reconstruction, shift: int = 0) -> None:
    """Compare bit by bit; `shift` is the number of particles before those of `found`."""
    for field in fields(Reconstruction):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if not isinstance(one, Collection):
            np.testing.assert_array_equal(one, other, err_msg=field.name)
            continue
        for column in fields(one):
            values = getattr(one, column.name)
            if column.name == "particle":
                values = values + shift
            name = f"{field.name}.{column.name}"
            np.testing.assert_array_equal(values, getattr(other, column.name), err_msg=name)


def taken_from(whole: Reconstruction, start: int, stop: int) -> Reconstruction:
    """Some of the events of a reconstruction."""
    parts: dict[str, Any] = {}
    for field in fields(Reconstruction):
        one = getattr(whole, field.name)
        if isinstance(one, Collection):
            first, last = one.offsets[start], one.offsets[stop]
            columns = {c.name: getattr(one, c.name)[first:last] for c in fields(one)}
            columns["offsets"] = one.offsets[start : stop + 1] - first
            parts[field.name] = type(one)(**columns)
        else:
            parts[field.name] = one[start:stop]
    return Reconstruction(**parts)


def test_chunks_do_not_matter() -> None:
    particles = spray(30, 1)
    whole = reconstruct(particles, seed=5)
    assert len(whole.jets.pt) > 30
    assert min(len(whole.muons.pt), len(whole.electrons.pt), len(whole.photons.pt)) > 1
    for start, stop in ((0, 11), (11, 12), (12, 30)):
        part = reconstruct(part_of(particles, start, stop), seed=5)
        assert_same(part, taken_from(whole, start, stop), int(particles.offsets[start]))


def test_seed_and_number_of_the_event_decide() -> None:
    particles = spray(3, 2)
    first = reconstruct(particles, seed=5)
    assert_same(reconstruct(particles, seed=5), first)
    other = reconstruct(particles, seed=6)
    renumbered = reconstruct(replace(particles, event_id=particles.event_id + 10), seed=5)
    for changed in (other, renumbered):
        assert not np.isclose(changed.met, first.met).any()


def test_events_without_particles_and_no_events() -> None:
    found = reconstruct(particles_of([[], [(12, 50.0, 0.0, 0.0)]]), seed=1)
    assert found.met.tolist() == [0.0, 0.0]
    assert found.met_phi.tolist() == [0.0, 0.0]
    for name in ("jets", "electrons", "muons", "photons", "eflow"):
        assert getattr(found, name).offsets.tolist() == [0, 0, 0]
    assert len(reconstruct(particles_of([]), seed=1)) == 0


def test_missing_momentum_by_hand() -> None:
    momentum = np.array([[30.0, 0, 5, 40], [0, -40.0, 0, 40], [7.0, 0, 0, 7]])
    met, phi = missing_momentum(momentum, np.array([0, 2, 2, 3]))
    np.testing.assert_allclose(met, [50.0, 0.0, 7.0])
    np.testing.assert_allclose(phi, [np.arctan2(40, -30), 0.0, np.pi])


def test_missing_momentum_of_central_towers() -> None:
    """The second tower has |eta| = asinh(0.5) = 0.48, the third 2.31."""
    momentum = np.array([[30.0, 0, 0, 30], [0, 40.0, -20.0, 45], [0, -10.0, 50.0, 51]])
    offsets = np.array([0, 3])
    for met_eta, expected in ((0.4, (30, 0)), (1.0, (30, 40)), (2.4, (30, 30))):
        met, _ = missing_momentum(momentum, offsets, met_eta)
        np.testing.assert_allclose(met, np.hypot(*expected))
    np.testing.assert_allclose(missing_momentum(momentum, offsets)[0], np.hypot(30, 30))


def test_card_decides_which_towers_count_for_missing_momentum() -> None:
    forward = particles_of([[(22, 100.0, 0.2, 0.5), (22, 100.0, 3.5, 0.5 - np.pi)]])
    assert reconstruct(forward, seed=1, card=perfect()).met < 30.0  # a forward cell is 0.35 wide
    central = reconstruct(forward, seed=1, card=perfect().with_met_eta(2.8))
    assert central.met == pytest.approx(100.0, rel=0.02)


def test_muons_and_neutrinos_are_missing() -> None:
    """A photon recoils against a muon, a neutrino, a hadron: only the last balances it."""
    cases = [(13, True), (-13, True), (12, True), (1000022, True), (130, False)]
    events = [[(22, 200.0, 0.3, 0.5), (code, 200.0, -0.2, 0.5 - np.pi)] for code, _ in cases]
    found = reconstruct(particles_of(events), seed=1, card=perfect())
    for met, phi, (_, missing) in zip(found.met, found.met_phi, cases, strict=True):
        if missing:
            assert met == pytest.approx(200.0, rel=0.02)
            assert phi == pytest.approx(0.5 - np.pi, abs=0.02)
        else:
            assert met < 40.0  # a cell of the hadronic calorimeter is 0.17 wide
    assert found.muons.offsets.tolist() == [0, 1, 2, 2, 2, 2]
    assert found.muons.charge.tolist() == [-1, 1]


def test_electron_is_no_jet_and_no_photon() -> None:
    card = replace(perfect(), ecal=ATLAS.ecal)
    found = reconstruct(gun(11, 100.0, 0.5, 300), seed=1, card=card)
    assert len(found.jets.pt) == 0
    both = np.diff(found.electrons.offsets) + np.diff(found.photons.offsets)
    np.testing.assert_array_equal(both, 1)
    # An excess over the track counts as a photon and takes the electron with it.
    assert 0 < len(found.photons.pt) < 30
    assert (found.electrons.charge == -1).all()
    electrons = found.electrons
    np.testing.assert_allclose(electrons.pt, 100.0, rtol=0.1)
    np.testing.assert_array_equal(electrons.particle, np.flatnonzero(np.diff(electrons.offsets)))


def test_photon_is_no_jet() -> None:
    found = reconstruct(gun(22, 100.0, 0.5, 50), seed=1, card=perfect())
    assert len(found.jets.pt) == 0
    assert len(found.photons.pt) == 50
    np.testing.assert_allclose(found.photons.energy, 100.0 * np.cosh(0.5))
    np.testing.assert_allclose(found.photons.pt, 100.0, rtol=0.02)


def test_electron_that_is_not_found_stays_a_jet() -> None:
    blind = replace(perfect(), electron=Efficiency((0.0,), (2.5,), ((0.0,),)), photon=ATLAS.photon)
    found = reconstruct(gun(11, 100.0, 0.5, 100), seed=1, card=blind)
    assert len(found.electrons.pt) == 0
    np.testing.assert_array_equal(
        np.diff(found.jets.offsets) + np.diff(found.photons.offsets), np.ones(100)
    )


def test_muon_does_not_remove_a_jet() -> None:
    rows = [(13, 60.0, 0.5, 0.5), (130, 100.0, 1.5, 0.5)]
    found = reconstruct(particles_of([rows] * 20), seed=1, card=perfect())
    assert len(found.muons.pt) == 20
    assert len(found.jets.pt) == 20


def test_hadrons_near_an_electron_keep_it_a_jet() -> None:
    """Neither the electron nor an excess in its tower is isolated."""
    rows = [(11, 60.0, 0.5, 0.5), (130, 100.0, 0.7, 0.5)]
    found = reconstruct(particles_of([rows] * 20), seed=1, card=perfect())
    assert len(found.electrons.pt) == len(found.photons.pt) == 0
    assert len(found.jets.pt) == 20


def test_jets_are_scaled_sorted_and_tagged() -> None:
    found = reconstruct(spray(40, 8), seed=1)
    jets = found.jets
    np.testing.assert_allclose(
        jets.pt / jets.raw_pt, ATLAS.jets.energy_scale(jets.raw_pt, jets.eta)
    )
    assert (jets.raw_pt >= 20).all()
    inside = jets.event[1:] == jets.event[:-1]
    assert (np.diff(jets.pt)[inside] <= 0).all()
    assert set(jets.flavour) > {4, 5}
    assert jets.b_tag[jets.flavour == 5].mean() > jets.b_tag[jets.flavour == 1].mean()


def test_wide_jets_are_fewer() -> None:
    particles = spray(40, 8)
    wide = reconstruct(particles, seed=1, card=ATLAS.with_jet_radius(1.0))
    assert len(wide.jets.pt) < len(reconstruct(particles, seed=1).jets.pt)


@pytest.mark.parametrize(("code", "expected"), [(211, [211]), (22, [22]), (130, [0]), (13, [13])])
def test_energy_flow(code: int, expected: Sequence[int]) -> None:
    eflow = reconstruct(gun(code, 50.0, 0.5, 1), seed=1, card=perfect()).eflow
    assert eflow.code.tolist()[:1] == expected
    assert eflow.charge.tolist()[:1] == [{211: 1, 13: -1}.get(code, 0)]
    total = np.array([eflow.px.sum(), eflow.py.sum(), eflow.pz.sum()])
    assert np.linalg.norm(total) == pytest.approx(50 * np.cosh(0.5), rel=0.2)
    np.testing.assert_allclose(eflow.energy**2, eflow.px**2 + eflow.py**2 + eflow.pz**2)
