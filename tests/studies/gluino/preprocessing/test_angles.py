"""Model inputs made from event files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from hepdensity.files import read_provenance
from hepdensity.ingest.event_file import write_events
from hepdensity.models.inputs import group_sizes, read_array, read_batch, read_layout
from hepdensity.physics.colour_order import lehmer_decode
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import angles_to_momenta, momenta_to_angles, rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.evaluation.samples import event_arrays
from hepdensity.studies.gluino.inputs import Header, read_header
from hepdensity.studies.gluino.preprocessing import angles as gluino
from hepdensity.studies.gluino.preprocessing.angles import prepare_inputs

CONSTANTS = {"sqrt_s": 3000.0, "gluino_mass": 600.0, "mass": 0.2}
GROUPS = {"test": slice(0, 20), "validation": slice(20, 35), "train": slice(35, 100)}


def sample(n_out: int = 4) -> Events:
    numbers = np.random.default_rng(4)
    momenta, _ = rambo(100, n_out, 3000.0, 600.0, torch.Generator().manual_seed(4))
    return Events(
        momenta=momenta.numpy(),
        sqrt_s=3000.0,
        mass=600.0,
        source="lhe",
        helicities=numbers.choice([-1, 1], (100, 2 + n_out)),
        colour_order=lehmer_decode(numbers.integers(0, 6, 100), 2 + n_out),
        weights=np.ones(100),
        alpha_s=numbers.uniform(0.08, 0.09, 100),
    )


def prepare(tmp_path: Path, events: Events, dataset: str = "angles", **settings: int) -> Path:
    write_events(tmp_path / "events.h5", events, {})
    sizes = {"test": 20, "validation": 15} | settings
    written = prepare_inputs(
        tmp_path / "events.h5", tmp_path / "inputs.h5", dataset, provenance={"seed": 1}, **sizes
    )
    assert written == group_sizes(tmp_path / "inputs.h5")
    return tmp_path / "inputs.h5"


BLOCKS = pytest.mark.parametrize("block", [50_000, 7], ids=["one block", "blocks of seven"])


@BLOCKS
def test_groups_hold_angles_and_what_the_truth_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(gluino, "BLOCK_EVENTS", block)
    events = sample()
    path = prepare(tmp_path, events)
    assert group_sizes(path) == {name: rows.stop - rows.start for name, rows in GROUPS.items()}
    for group, rows in GROUPS.items():
        angles = torch.from_numpy(read_array(path, group))
        assert angles.shape == (rows.stop - rows.start, 8)
        momenta, physical = angles_to_momenta(angles, 3000.0, 600.0)
        assert physical.all()
        np.testing.assert_allclose(momenta, events.momenta[rows], atol=1e-5)
        for name in ("helicities", "colour_order", "alpha_s"):
            found = read_array(path, group, name)
            np.testing.assert_array_equal(found, getattr(events, name)[rows])
    assert read_header(path) == Header(3000.0, 600.0, "lhe")
    assert read_layout(path) == layouts.angles(CONSTANTS)
    assert read_provenance(path) == {"seed": 1}


@BLOCKS
def test_labels_are_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(gluino, "BLOCK_EVENTS", block)
    events = sample()
    path = prepare(tmp_path, events, "labels")
    layout = read_layout(path)
    assert layout == layouts.labels(CONSTANTS)
    couplings = np.asarray(events.alpha_s)
    assert events.helicities is not None and events.colour_order is not None
    # Position of each leg except the first in the colour trace, after the first.
    positions = np.argsort(events.colour_order, axis=1)[:, 1:] - 1
    angles = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()
    for group, rows in GROUPS.items():
        batch = read_batch(path, group)
        found = batch.numpy()
        np.testing.assert_array_equal(found[:, :8], angles[rows])
        for leg in range(6):
            place = None if leg < 2 else leg - 2
            name = f"helicity_{leg + 1}" if leg < 2 else "helicity"
            signs = 2 * found[:, layout.index(name, place)] - 1
            np.testing.assert_array_equal(signs, events.helicities[rows, leg])
            if leg > 0:
                name = "position_1" if leg < 2 else "position"
                column = found[:, layout.index(name, place)]
                np.testing.assert_array_equal(column, positions[rows, leg - 1])
        np.testing.assert_array_equal(read_array(path, group, "alpha_s"), couplings[rows])


def test_labels_come_out_as_they_went_in(tmp_path: Path) -> None:
    events = sample()
    path = prepare(tmp_path, events, "labels")
    arrays = event_arrays(read_array(path, "test"), read_layout(path))
    for name in ("helicities", "colour_order"):
        np.testing.assert_array_equal(arrays[name], getattr(events, name)[GROUPS["test"]])


def test_arrays_that_events_lack_are_left_out(tmp_path: Path) -> None:
    events = replace(sample(), helicities=None, colour_order=None, alpha_s=None, weights=None)
    with h5py.File(prepare(tmp_path, events)) as file:
        assert list(file["test"]) == ["events"]


@pytest.mark.parametrize("name", ["helicities", "colour_order"])
def test_labels_are_required_for_their_dataset(tmp_path: Path, name: str) -> None:
    lacking: dict[str, Any] = {name: None}
    events = replace(sample(), **lacking)
    with pytest.raises(ValueError, match=r"events\.h5: the events have no .*labels\.models: \[\]"):
        prepare(tmp_path, events, "labels")
    assert list(tmp_path.iterdir()) == [tmp_path / "events.h5"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"test": 90}, "100 events, but 106 are needed"), ({"train": 70}, "5 more")],
    ids=["test", "train"],
)
def test_too_few_events(tmp_path: Path, settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepare(tmp_path, sample(), "angles", **settings)
    assert list(tmp_path.iterdir()) == [tmp_path / "events.h5"]


def test_weighted_events_are_refused(tmp_path: Path) -> None:
    weights = np.random.default_rng(1).exponential(size=100)
    with pytest.raises(ValueError, match=r"the events are weighted .* unweight them first"):
        prepare(tmp_path, replace(sample(), weights=weights))
    assert list(tmp_path.iterdir()) == [tmp_path / "events.h5"]


def test_a_few_overweight_events_pass(tmp_path: Path) -> None:
    weights = np.ones(100)
    weights[7] = 1.5
    prepare(tmp_path, replace(sample(), weights=weights))


def test_two_gluinos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"events\.h5: two_gluino events, but four_gluino"):
        prepare(tmp_path, sample(2))
