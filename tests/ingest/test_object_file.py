"""Event files of reconstructed events: what is written is read, in slices, with its sample."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from object_events import assert_same, random_events

from hepdensity.files import read_provenance
from hepdensity.ingest.object_file import (
    ObjectWriter,
    Sample,
    count_objects,
    iterate_objects,
    read_objects,
    read_sample,
)
from hepdensity.physics.objects import ObjectEvents, concatenated


def renamed(events: ObjectEvents, names: list[str]) -> ObjectEvents:
    return ObjectEvents(**{**vars(events), "process": np.resize(np.array(names), len(events))})


def written(path: Path, *parts: ObjectEvents, sample: Sample | None = None) -> Path:
    with ObjectWriter(path, {"seed": 3}, sample) as writer:
        for part in parts:
            writer.append(part)
    return path


@pytest.fixture
def parts() -> list[ObjectEvents]:
    return [
        renamed(random_events(70, seed=1), ["ttbar"]),
        renamed(random_events(0, seed=2), ["none"]),
        renamed(random_events(30, seed=3), ["Zγ", "Zγ", "z", ""]),
    ]


def test_round_trip_in_slices(tmp_path: Path, parts: list[ObjectEvents]) -> None:
    path = written(tmp_path / "events.h5", *parts)
    events = concatenated(parts)
    assert count_objects(path) == 100
    assert_same(read_objects(path), events)
    assert_same(read_objects(path, 60, 75), events[60:75])
    assert_same(read_objects(path, 95), events[95:])
    chunks = list(iterate_objects(path, chunk_events=33))
    assert [len(chunk) for chunk in chunks] == [33, 33, 33, 1]
    assert_same(concatenated(chunks), events)
    assert read_provenance(path) == {"seed": 3}


def test_format(tmp_path: Path, parts: list[ObjectEvents]) -> None:
    """Other programs can read the file without this library."""
    with h5py.File(written(tmp_path / "events.h5", *parts)) as file:
        kinds = {name: file[name].dtype.str for name in file if name != "process"}
        assert kinds == {
            **{"met": "<f8", "met_phi": "<f8", "weight": "<f8", "event_id": "<i8"},
            **{"type": "|i1", "order": "|i1"},
            **dict.fromkeys(("energy", "pt", "eta", "phi"), "<f4"),
        }
        assert file["process"].asstr()[70] == "Zγ"
        assert file["type"].shape == (100, 20)


def test_sample(tmp_path: Path, parts: list[ObjectEvents]) -> None:
    assert read_sample(written(tmp_path / "a.h5", *parts)) == Sample()
    sample = Sample(cross_section=541.0, generated=10_000)
    assert read_sample(written(tmp_path / "b.h5", *parts, sample=sample)) == sample
    with ObjectWriter(tmp_path / "c.h5", {}) as writer:
        writer.append(parts[0])
        writer.describe(sample)
    assert read_sample(tmp_path / "c.h5") == sample


def test_file_without_events(tmp_path: Path) -> None:
    path = written(tmp_path / "events.h5")
    assert count_objects(path) == 0
    assert len(read_objects(path)) == 0
    assert read_objects(path).process.dtype.kind == "U"
    assert list(iterate_objects(path)) == []


def test_nothing_is_left_after_an_error(tmp_path: Path, parts: list[ObjectEvents]) -> None:
    with pytest.raises(RuntimeError), ObjectWriter(tmp_path / "events.h5", {}) as writer:
        writer.append(parts[0])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_long_name(tmp_path: Path, parts: list[ObjectEvents]) -> None:
    written(tmp_path / "good.h5", renamed(parts[0], ["γ" * 32]))
    with pytest.raises(ValueError, match=r"bad\.h5: .* 'γ{33}' has more than 64 bytes; use a sh"):
        written(tmp_path / "bad.h5", renamed(parts[0], ["a", "γ" * 33]))


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("text")
    with pytest.raises(ValueError, match=r"a\.h5: cannot be opened as HDF5"):
        read_objects(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["met"] = [1.0]
    with pytest.raises(ValueError, match=r"b\.h5: not a file of .* events, met_phi, weight, proce"):
        count_objects(tmp_path / "b.h5")
