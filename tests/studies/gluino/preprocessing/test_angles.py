"""Model inputs made from event files."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepdensity.ingest.event_file import write_events
from hepdensity.physics.colour_order import lehmer_decode
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import angles_to_momenta, rambo
from hepdensity.studies.gluino.preprocessing import angles as gluino
from hepdensity.studies.gluino.preprocessing.angles import prepare_inputs

PARTS = {"test": slice(0, 20), "validation": slice(20, 35), "train": slice(35, 100)}


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


def prepare(tmp_path: Path, events: Events, **settings: int) -> Path:
    write_events(tmp_path / "events.h5", events, {})
    sizes = {"test": 20, "validation": 15} | settings
    prepare_inputs(tmp_path / "events.h5", tmp_path / "inputs.h5", provenance={"seed": 1}, **sizes)
    return tmp_path / "inputs.h5"


@pytest.mark.parametrize("block", [50_000, 7], ids=["one block", "blocks of seven"])
def test_parts_hold_angles_and_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(gluino, "BLOCK_EVENTS", block)
    events = sample()
    with h5py.File(prepare(tmp_path, events)) as file:
        assert sorted(file) == sorted(PARTS)
        for part, rows in PARTS.items():
            angles = torch.from_numpy(file[part]["angles"][:])
            assert angles.shape == (rows.stop - rows.start, 8)
            momenta, physical = angles_to_momenta(angles, 3000.0, 600.0)
            assert physical.all()
            np.testing.assert_allclose(momenta, events.momenta[rows], atol=1e-5)
            for name in ("helicities", "colour_order", "alpha_s"):
                np.testing.assert_array_equal(file[part][name][:], getattr(events, name)[rows])
        attributes = {name: file.attrs[name] for name in ("sqrt_s", "mass", "source")}
        assert attributes == {"sqrt_s": 3000.0, "mass": 600.0, "source": "lhe"}
        assert json.loads(file.attrs["provenance"]) == {"seed": 1}


def test_missing_labels_are_left_out(tmp_path: Path) -> None:
    events = replace(sample(), helicities=None, colour_order=None, alpha_s=None, weights=None)
    with h5py.File(prepare(tmp_path, events)) as file:
        assert list(file["test"]) == ["angles"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"test": 90}, "100 events, but 106 are asked for"), ({"train": 70}, "5 more")],
    ids=["test", "train"],
)
def test_too_few_events(tmp_path: Path, settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepare(tmp_path, sample(), **settings)
    assert list(tmp_path.iterdir()) == [tmp_path / "events.h5"]


def test_weighted_events_are_refused(tmp_path: Path) -> None:
    weights = np.random.default_rng(1).exponential(size=100)
    with pytest.raises(ValueError, match=r"weighted events .* unweight them first"):
        prepare(tmp_path, replace(sample(), weights=weights))
    assert list(tmp_path.iterdir()) == [tmp_path / "events.h5"]


def test_a_few_overweight_events_pass(tmp_path: Path) -> None:
    weights = np.ones(100)
    weights[7] = 1.5
    prepare(tmp_path, replace(sample(), weights=weights))


def test_two_gluinos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two_gluino events, but inputs are of four gluinos"):
        prepare(tmp_path, sample(2))
