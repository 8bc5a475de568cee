"""Columns of models: which objects are kept, their logarithms, masses of jets."""

import numpy as np
import pytest
from object_events import events_with, random_events

from hepdensity.studies.darkmachines.layouts import VIEWS, dataset_parts, layout_of
from hepdensity.studies.darkmachines.preprocessing.columns import (
    columns_of,
    recoil_azimuth,
    summary_arrays,
)

OBJECTS = [("j", 40.0), ("j", 30.0), ("e-", 90.0), ("g", 25.0)]
"""One event in file order: the electron is the hardest object, but after the jets."""


@pytest.mark.parametrize(
    ("view", "pts", "types"),
    [("max", [90, 40, 30], [2, 0, 0]), ("file", [40, 30, 90], [0, 0, 2])],
)
def test_views_keep_the_hardest_or_the_first_objects(
    view: str, pts: list[float], types: list[int]
) -> None:
    layout = layout_of(view, 3)
    (row,) = columns_of(events_with(OBJECTS), view, 3)
    kept = [row[layout.index("log_pt", place)] for place in range(3)]
    np.testing.assert_allclose(np.exp(kept), pts, rtol=1e-6)
    assert [row[layout.index("type", place)] for place in range(3)] == types


@pytest.mark.parametrize("view", VIEWS)
def test_columns_are_those_of_the_layout(view: str) -> None:
    events = random_events(50)
    events = events[events.present[:, 0]]
    layout, rows = layout_of(view, 4), columns_of(events, view, 4)
    assert rows.shape == (len(events), layout.features)
    np.testing.assert_allclose(np.exp(rows[:, layout.index("log_met")]), events.met)
    if view == "momentum":
        assert [column.name for column in layout.event] == ["log_met"]
    else:
        np.testing.assert_array_equal(rows[:, layout.index("met_phi")], events.met_phi)
    counts = np.minimum(events.present.sum(axis=1), 4)
    for name in ("log_pt", "eta", "phi", "type"):
        values = rows[:, [layout.index(name, place) for place in range(4)]]
        np.testing.assert_array_equal(np.isfinite(values).sum(axis=1), counts)
        assert np.isfinite(values[:, 0]).all()


def test_energies_and_masses() -> None:
    """A jet with E = 2 pT at eta = 0 has the mass sqrt(3) pT; a lepton has none."""
    events = events_with([("j", 50.0), ("m+", 20.0)], eta=0.0)
    energy = np.where(events.present, 2 * events.pt, np.nan)
    events = type(events)(**{**vars(events), "energy": energy.astype(np.float32)})
    (row,) = columns_of(events, "mass", 2)
    layout = layout_of("mass", 2)
    expected = 0.5 * np.log(3 * 50.0**2 + 1)
    assert row[layout.index("log_mass", 0)] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(row[layout.index("log_mass", 1)])
    (row,) = columns_of(events, "max", 2)
    layout = layout_of("max", 2)
    assert np.exp(row[layout.index("log_energy", 0)]) == pytest.approx(100)
    assert np.exp(row[layout.index("log_energy", 1)]) == pytest.approx(40)


def test_azimuths_relative_to_the_recoil() -> None:
    """An object along MET is at the edge, one opposite to it is at zero; rotations do not count."""
    phi = np.array([[0.5, 0.5 + np.pi, 0.5 - np.pi, 0.5 - 1.0]])
    for turn in (0.0, 1.0, 4.0):
        found = recoil_azimuth(phi + turn, np.array([0.5 + turn]))
        distance = np.abs(np.angle(np.exp(1j * (found[0] - [np.pi, 0.0, 0.0, np.pi - 1.0]))))
        np.testing.assert_allclose(distance, 0, atol=1e-12)
        assert (np.abs(found) <= np.pi).all()
    layout, events = layout_of("momentum", 3), random_events(20)
    events = events[events.present[:, 0]]
    rows = columns_of(events, "momentum", 3)
    expected = recoil_azimuth(events.phi[:, :1].astype(float), events.met_phi)[:, 0]
    np.testing.assert_allclose(rows[:, layout.index("phi", 0)], expected)


def test_a_jet_without_mass_has_a_finite_logarithm() -> None:
    (row,) = columns_of(events_with([("j", 50.0)]), "mass", 1)
    assert row[layout_of("mass", 1).index("log_mass", 0)] == pytest.approx(0, abs=0.02)


def test_sums_of_an_event() -> None:
    arrays = summary_arrays(events_with(OBJECTS, met=110.0))
    assert arrays["ht"] == pytest.approx([70])
    assert arrays["meff"] == pytest.approx([110 + 70 + 90 + 25])
    assert arrays["objects"].tolist() == [4]


def test_events_that_no_model_can_take_are_refused() -> None:
    with pytest.raises(ValueError, match="no object"):
        columns_of(events_with([]), "max", 2)
    with pytest.raises(ValueError, match="no missing transverse momentum"):
        columns_of(events_with(OBJECTS, met=0.0), "max", 2)


@pytest.mark.parametrize("name", ["2a", "2a-max", "2a-max0", "2a-other8", "2a-max123"])
def test_other_names_of_datasets_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not <channel>-<view><N_max>"):
        dataset_parts(name)


def test_channels_may_have_dashes() -> None:
    assert dataset_parts("my-max-max8") == ("my-max", "max", 8)
