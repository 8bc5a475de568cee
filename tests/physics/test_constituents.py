"""Jets with constituents: coordinates, truncation and invariants against plain sums."""

import math
from itertools import pairwise

import numpy as np
import pytest
import vector
from made_up_jets import random_jets, random_momenta

from hepdensity.physics.constituents import (
    JetForm,
    JetWindow,
    concatenated_jets,
    girth,
    jet_arrays,
    kinematics,
    massless_sum,
    wrapped,
)


def summed(momenta: np.ndarray) -> vector.MomentumObject4D:
    px, py, pz, energy = momenta.sum(axis=0)
    return vector.obj(px=px, py=py, pz=pz, E=energy)


@pytest.mark.parametrize("jet_from", ["all", "kept"])
def test_jets_are_sums_of_their_constituents(jet_from: str) -> None:
    momenta, offsets = random_momenta(40, seed=1)
    constituents, jet = jet_arrays(momenta, offsets, JetForm(most=7, jet_from=jet_from))
    assert constituents.shape == (40, 7, 3)
    assert constituents.dtype == np.float32
    for i in range(40):
        rows = momenta[offsets[i] : offsets[i + 1]]
        rows = rows[np.argsort(-np.hypot(rows[:, 0], rows[:, 1]), kind="stable")]
        total = summed(rows if jet_from == "all" else rows[:7])
        np.testing.assert_allclose(jet[i, :4], [total.pt, total.eta, total.phi, total.mass])
        assert jet[i, 4] == min(len(rows), 7)
        for k, (px, py, pz, energy) in enumerate(rows[:7]):
            one = vector.obj(px=px, py=py, pz=pz, E=energy)
            expected = [one.eta - total.eta, one.deltaphi(total), one.pt]
            np.testing.assert_allclose(constituents[i, k], expected, rtol=1e-6, atol=1e-7)
        assert np.isnan(constituents[i, len(rows) :]).all()


def test_order_of_the_constituents_does_not_matter() -> None:
    momenta, offsets = random_momenta(20, seed=2)
    turned = np.concatenate([momenta[a:b][::-1] for a, b in pairwise(offsets)])
    one, other = (jet_arrays(of, offsets, JetForm()) for of in (momenta, turned))
    np.testing.assert_allclose(one[0], other[0], rtol=1e-6)
    np.testing.assert_allclose(one[1], other[1], rtol=1e-9)


def test_angles_across_the_seam_of_the_azimuth() -> None:
    phi = np.array([math.pi - 0.1, -math.pi + 0.1])
    momenta = np.stack([np.cos(phi), np.sin(phi), np.zeros(2), np.ones(2)], axis=1)
    constituents, _ = jet_arrays(momenta, np.array([0, 2]), JetForm(most=2))
    assert sorted(constituents[0, :, 1].round(6).tolist()) == pytest.approx([-0.1, 0.1])
    assert wrapped(np.array([-math.pi, math.pi, 3 * math.pi])) == pytest.approx([math.pi] * 3)


def test_a_jet_of_one_massless_constituent() -> None:
    constituents, jet = jet_arrays(
        np.array([[600.0, 0.0, 0.0, 600.0]]), np.array([0, 1]), JetForm(most=3)
    )
    assert constituents[0, 0].tolist() == [0.0, 0.0, 600.0]
    assert np.isnan(constituents[0, 1:]).all()
    assert jet[0].tolist() == [600.0, 0.0, 0.0, 0.0, 1.0]


def test_a_spacelike_momentum_has_no_mass() -> None:
    assert kinematics(np.array([[3.0, 4.0, 0.0, 4.9]]))[0, 3] == 0.0
    assert not np.isfinite(kinematics(np.array([[0.0, 0.0, 5.0, 5.0]]))[0, 1])


def test_massless_sum_and_girth() -> None:
    jets = random_jets(30, seed=3)
    # The masses of the constituents, 0.14 GeV, are small against those of the jets.
    np.testing.assert_allclose(massless_sum(jets)[:, :3], jets.jet[:, :3], atol=2e-3, rtol=1e-5)
    several = jets.jet[:, 4] > 1
    np.testing.assert_allclose(massless_sum(jets)[several, 3], jets.jet[several, 3], rtol=0.02)
    i = 4
    d_eta, d_phi, pt = jets.constituents[i, : int(jets.jet[i, 4])].astype(np.float64).T
    assert girth(jets)[i] == pytest.approx(np.sum(pt * np.hypot(d_eta, d_phi)) / pt.sum())


def test_window() -> None:
    jet = np.zeros((5, 5))
    jet[:, 0] = [550.0, 550.1, 600.0, 649.9, 650.0]
    jet[:, 1] = [0.0, 1.9, -2.0, -1.9, 0.0]
    assert JetWindow().contains(jet).tolist() == [False, True, False, True, False]


def test_bad_settings() -> None:
    for most in (0, 101):
        with pytest.raises(ValueError, match=r"cannot keep .* constituents; choose 1 to 100"):
            JetForm(most=most)
    with pytest.raises(ValueError, match="made from 'some'; choose all or kept"):
        JetForm(jet_from="some")
    with pytest.raises(ValueError, match="is empty"):
        JetWindow(pt=(650.0, 550.0))


def test_some_of_the_jets() -> None:
    jets = random_jets(10, seed=4)
    again = concatenated_jets([jets[:3], jets[np.arange(3, 10)]])
    np.testing.assert_array_equal(again.constituents, jets.constituents)
    assert again.present.sum(axis=1).tolist() == jets.jet[:, 4].astype(int).tolist()
