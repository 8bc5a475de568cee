"""Inputs files: what is written block by block is read as models take it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from hepdensity.files import read_provenance
from hepdensity.models.inputs import (
    EVENTS,
    InputsWriter,
    group_sizes,
    read_array,
    read_attributes,
    read_batch,
    read_layout,
)
from hepdensity.models.layout import Column, Layout, PresenceSet

LAYOUT = Layout(
    event=(Column("energy", "GeV", support="real"),),
    particle=(Column("x"), Column("kind", categories=3)),
    particles=2,
    sets=(PresenceSet("pair", 2, 0.25), PresenceSet("single", 1, 0.75)),
    constants={"mass": 0.2},
)
SIZES = {"test": 7, "train": 33, "signal": 1}


def group_events(group: str) -> np.ndarray:
    """Events of a group, the last particle of every third one absent."""
    random = np.random.default_rng(SIZES[group])
    events = random.uniform(size=(SIZES[group], LAYOUT.features))
    events[::3, list(LAYOUT.block(1))] = np.nan
    return events


def write(path: Path, block: int = 1_000) -> Path:
    with InputsWriter(path, LAYOUT, {"seed": 3}, source="here", scale=2.5) as writer:
        for group, size in SIZES.items():
            events = group_events(group)
            for start in range(0, size, block):
                rows = slice(start, start + block)
                number = np.arange(size, dtype=np.int16)[rows]
                writer.write(group, size, start, events[rows], number=number)
    return path


@pytest.mark.parametrize("block", [1_000, 4, 1])
def test_blocks_make_one_file(tmp_path: Path, block: int) -> None:
    path = write(tmp_path / "new" / "inputs.h5", block)
    assert group_sizes(path) == SIZES
    for group, size in SIZES.items():
        events = read_array(path, group)
        assert events.dtype == np.float64
        np.testing.assert_array_equal(events, group_events(group))
        number = read_array(path, group, "number")
        assert number.dtype == np.int16
        np.testing.assert_array_equal(number, np.arange(size))


def test_what_all_events_share(tmp_path: Path) -> None:
    path = write(tmp_path / "inputs.h5")
    assert read_layout(path) == LAYOUT
    assert read_attributes(path) == {"source": "here", "scale": 2.5}
    assert read_provenance(path) == {"seed": 3}


def test_batch_is_the_events_in_double_precision(tmp_path: Path) -> None:
    path = write(tmp_path / "inputs.h5")
    batch = read_batch(path, "train", 20)
    assert batch.dtype == torch.float64
    np.testing.assert_array_equal(batch, group_events("train")[:20])
    assert read_batch(path, "train").shape == (33, LAYOUT.features)


def test_events_in_single_precision_are_kept_in_double(tmp_path: Path) -> None:
    events = group_events("test").astype(np.float32)
    with InputsWriter(tmp_path / "inputs.h5", LAYOUT, {}) as writer:
        writer.write("test", 7, 0, events)
    np.testing.assert_array_equal(read_array(tmp_path / "inputs.h5", "test"), events)
    assert read_batch(tmp_path / "inputs.h5", "test").dtype == torch.float64


def test_group_may_be_empty(tmp_path: Path) -> None:
    with InputsWriter(tmp_path / "inputs.h5", LAYOUT, {}) as writer:
        writer.write("test", 0, 0, np.empty((0, LAYOUT.features)))
    assert read_batch(tmp_path / "inputs.h5", "test").shape == (0, LAYOUT.features)


@pytest.mark.parametrize(
    ("group", "name", "count", "message"),
    [
        ("background", EVENTS, None, "there is no group background, only signal, test, train"),
        ("train", "weight", None, "the group train has no array weight"),
        ("train", EVENTS, 34, "the group train has 33 events, but 34 are needed; lower n_train"),
        ("train", "number", 34, "the group train has 33 events, but 34 are needed"),
    ],
    ids=["group", "array", "too few", "too few of an array"],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, group: str, name: str, count: int | None, message: str
) -> None:
    path = write(tmp_path / "inputs.h5")
    assert len(read_array(path, "train", count=33)) == 33
    with pytest.raises(ValueError, match=rf"inputs\.h5: {message}"):
        read_array(path, group, name, count)


@pytest.mark.parametrize("shape", [(4, 4), (4,), (4, 6)], ids=str)
def test_other_columns_than_those_of_the_layout_are_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    message = r"inputs\.h5: the events have shape .* the layout has 5 columns"
    with (
        pytest.raises(ValueError, match=message),
        InputsWriter(tmp_path / "inputs.h5", LAYOUT, {}) as writer,
    ):
        writer.write("test", 4, 0, np.ones(shape))
    assert list(tmp_path.iterdir()) == []


def test_half_written_file_never_appears(tmp_path: Path) -> None:
    path = write(tmp_path / "inputs.h5")
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), InputsWriter(path, LAYOUT, {}) as writer:
        writer.write("test", 7, 0, group_events("test")[:2])
        assert path.read_bytes() == before
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_of_a_file_that_cannot_be_closed(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError("disk full")

    writer = InputsWriter(tmp_path / "inputs.h5", LAYOUT, {})
    with pytest.raises(OSError, match="disk full"), writer:
        writer._opened.callback(fail)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    writer = InputsWriter(tmp_path / "inputs.h5", LAYOUT, {}, unfit=[object()])  # type: ignore[arg-type]
    with pytest.raises(TypeError), writer:
        raise AssertionError("the file should not open")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "read", [read_layout, read_attributes, group_sizes, lambda path: read_batch(path, "test")]
)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.h5", "cannot be read as HDF5"),
        ("text.h5", "cannot be read as HDF5"),
        ("other.h5", "not an inputs file; use one written by a preprocess rule"),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, read: Callable[[Path], Any], name: str, message: str
) -> None:
    (tmp_path / "text.h5").write_text("hello")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["test/events"] = np.ones((2, 5))
    with pytest.raises(ValueError, match=rf"{name}: {message}"):
        read(tmp_path / name)
