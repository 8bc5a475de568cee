"""Events of inputs files as models take them."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepdensity.models.inputs import read_batch
from hepdensity.models.layers.labels import check_labels, positions_to_order, unpack

EVENTS = 33


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    numbers = np.random.default_rng(1)
    with h5py.File(tmp_path / "inputs.h5", "w") as file:
        behind = numbers.permuted(np.tile(np.arange(1, 6), (EVENTS, 1)), axis=1)
        file["train/angles"] = numbers.uniform(size=(EVENTS, 8))
        file["train/helicities"] = numbers.choice([-1, 1], (EVENTS, 6)).astype(np.int8)
        file["train/colour_order"] = np.pad(behind, ((0, 0), (1, 0))).astype(np.int8)
    return tmp_path / "inputs.h5"


def test_labelled_events_hold_what_the_file_holds(inputs: Path) -> None:
    batch = read_batch(inputs, "train", "labels", 20)
    check_labels(batch)
    angles, helicities, positions = unpack(batch)
    with h5py.File(inputs) as file:
        group = {name: file["train"][name][:20] for name in file["train"]}
    np.testing.assert_array_equal(angles, group["angles"].astype(np.float32))
    np.testing.assert_array_equal(helicities, group["helicities"])
    np.testing.assert_array_equal(positions_to_order(positions) + 1, group["colour_order"][:, 1:])


def test_angles_alone(inputs: Path) -> None:
    batch = read_batch(inputs, "train", "angles")
    assert batch.shape == (EVENTS, 8)
    assert batch.dtype == torch.float32


def test_mixed_events_are_counted_by_those_of_four_gluinos(inputs: Path) -> None:
    with h5py.File(inputs, "a") as file:
        file.attrs["four_per_two"] = 10
    assert len(read_batch(inputs, "train", "multiplicity", 25)) == 27
    with pytest.raises(ValueError, match="33 train events, but 44 are asked for"):
        read_batch(inputs, "train", "multiplicity", 40)


def test_file_of_one_multiplicity_is_no_mixed_file(inputs: Path) -> None:
    with pytest.raises(ValueError, match=r"inputs\.h5: not mixed events"):
        read_batch(inputs, "train", "multiplicity", 10)


@pytest.mark.parametrize("name", ["helicities", "colour_order"])
def test_missing_labels_are_named(inputs: Path, name: str) -> None:
    with h5py.File(inputs, "a") as file:
        del file["train"][name]
    with pytest.raises(ValueError, match=rf"inputs\.h5: train events without {name}; leave"):
        read_batch(inputs, "train", "labels")
