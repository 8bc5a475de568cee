"""Conversion of samples and test events from the columns of models."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fake_samples import (
    CONSTANTS,
    MASS,
    SQRT_S,
    flat_angles,
    label_columns,
    labelled_events,
    write_columns,
    write_events_as_samples,
)

from hepdensity.models.inputs import InputsWriter
from hepdensity.models.layout import Layout
from hepdensity.physics.events import SampleYield
from hepdensity.physics.phase_space import momenta_to_angles
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.evaluation.samples import (
    event_arrays,
    held_out,
    sample_yield,
    sampled_events,
)

MIXED = layouts.multiplicity(4e-5, constants=CONSTANTS)


@pytest.fixture
def uniform(tmp_path: Path) -> Path:
    """9,000 points of the cube, about one eighth of which are physical."""
    rows = np.random.default_rng(1).uniform(size=(9_000, 8)).astype(np.float32)
    return write_columns(tmp_path / "samples.h5", rows, 9_000, layouts.angles(CONSTANTS))


def test_unphysical_samples_are_counted_and_left_out(uniform: Path) -> None:
    events = sampled_events(uniform)
    assert (events.drawn, events.invalid, events.source) == (9_000, 0, "model")
    assert 0.7 < events.unphysical_fraction < 0.95
    assert sample_yield(uniform) == SampleYield(9_000, len(events))


def test_events_conserve_momentum_and_are_on_shell(uniform: Path) -> None:
    momenta = sampled_events(uniform).momenta
    total = momenta.sum(axis=1)
    np.testing.assert_allclose(total[:, 0], SQRT_S, rtol=1e-9)
    assert np.abs(total[:, 1:]).max() < 1e-5
    squared = momenta[..., 0] ** 2 - (momenta[..., 1:] ** 2).sum(axis=2)
    np.testing.assert_allclose(squared, MASS**2, rtol=1e-6)


def test_labels_come_along_and_invalid_draws_are_counted(tmp_path: Path) -> None:
    events = labelled_events(90, 1, drawn=101)
    write_events_as_samples(tmp_path / "s.h5", events, invalid=10)
    found = sampled_events(tmp_path / "s.h5")
    assert found.sample_yield == SampleYield(101, 90, 10)
    for name in ("helicities", "colour_order"):
        np.testing.assert_array_equal(getattr(found, name), getattr(events, name))
    np.testing.assert_allclose(found.momenta, events.momenta, rtol=1e-6, atol=1e-4)


def test_labels_stay_with_their_events(tmp_path: Path) -> None:
    """Of three events, the second is unphysical."""
    events = labelled_events(3, 1)
    labels = label_columns(np.asarray(events.helicities), np.asarray(events.colour_order))
    angles = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()
    angles[1] = 0.5
    rows = np.concatenate((angles, labels), axis=1)
    write_columns(tmp_path / "s.h5", rows, 3, layouts.labels(CONSTANTS))
    found = sampled_events(tmp_path / "s.h5")
    for name in ("helicities", "colour_order"):
        np.testing.assert_array_equal(getattr(found, name), getattr(events, name)[[0, 2]])


@pytest.mark.parametrize("rows", [0, 5], ids=["none valid", "none physical"])
def test_samples_of_which_none_is_an_event(tmp_path: Path, rows: int) -> None:
    labels = label_columns(-np.ones((rows, 6)), np.tile(np.arange(6), (rows, 1)))
    columns = np.concatenate((np.full((rows, 8), 0.5), labels), axis=1)
    write_columns(tmp_path / "s.h5", columns, 5, layouts.labels(CONSTANTS))
    assert sample_yield(tmp_path / "s.h5") == SampleYield(5, 0, 5 - rows)


def test_two_gluinos_are_back_to_back(tmp_path: Path) -> None:
    rows = np.full((20, 8), np.nan)
    rows[:, :2] = np.random.default_rng(1).uniform(size=(20, 2))
    write_columns(tmp_path / "s.h5", rows, 20, MIXED)
    events = sampled_events(tmp_path / "s.h5")
    assert events.process == "two_gluino" and len(events) == 20
    np.testing.assert_allclose(events.momenta[:, 0, 1:], -events.momenta[:, 1, 1:], atol=1e-9)


@pytest.mark.parametrize(
    "absent", [slice(4, 8), slice(0, 8), slice(0, 2)], ids=["two", "all", "first"]
)
def test_other_numbers_of_gluinos_are_refused(absent: slice) -> None:
    rows = flat_angles(3, 1)
    rows[:, absent] = np.nan
    with pytest.raises(ValueError, match="different numbers of gluinos"):
        event_arrays(rows, MIXED)


def test_mixed_samples_are_refused_with_their_file(tmp_path: Path) -> None:
    rows = flat_angles(3, 1)
    rows[1, 2:] = np.nan
    write_columns(tmp_path / "s.h5", rows, 3, MIXED)
    with pytest.raises(ValueError, match=r"s\.h5: the events have different numbers of gluinos"):
        sample_yield(tmp_path / "s.h5")


def write_inputs(path: Path, layout: Layout, rows: np.ndarray) -> Path:
    with InputsWriter(path, layout, {}, sqrt_s=SQRT_S, mass=MASS, source="lhe") as writer:
        writer.write("test", len(rows), 0, rows)
    return path


def test_held_out_events_are_those_of_a_process(tmp_path: Path) -> None:
    rows = flat_angles(9, 1)
    rows[::3, 2:] = np.nan
    path = write_inputs(tmp_path / "i.h5", MIXED, rows)
    for process, expected in (("four_gluino", 6), ("two_gluino", 3)):
        events = held_out(path, process)
        assert (events.process, len(events), events.drawn) == (process, expected, None)
    angles = momenta_to_angles(torch.from_numpy(held_out(path, "four_gluino").momenta))
    np.testing.assert_allclose(angles, rows[~np.isnan(rows).any(axis=1)], atol=1e-9)


def test_held_out_events_have_the_labels_of_their_dataset(tmp_path: Path) -> None:
    events = labelled_events(7, 2)
    labels = label_columns(np.asarray(events.helicities), np.asarray(events.colour_order))
    angles = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()
    rows = np.concatenate((angles, labels), axis=1)
    path = write_inputs(tmp_path / "i.h5", layouts.labels(CONSTANTS), rows)
    found = held_out(path, "four_gluino")
    assert (found.sqrt_s, found.mass) == (SQRT_S, MASS)
    for name in ("helicities", "colour_order"):
        np.testing.assert_array_equal(getattr(found, name), getattr(events, name))
