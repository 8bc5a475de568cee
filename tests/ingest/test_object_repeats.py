"""Reconstructed events that occur twice, in a file or across files."""

from pathlib import Path

import numpy as np
import pytest
from object_events import random_events

from hepdensity.ingest import object_repeats, repeats
from hepdensity.ingest.object_file import ObjectWriter
from hepdensity.ingest.object_repeats import (
    first_occurrences,
    object_words,
    refuse_repeated_objects,
)
from hepdensity.ingest.repeats import RepeatFinder
from hepdensity.physics.objects import ObjectEvents, concatenated

EVENTS = random_events(40)


def saved(path: Path, *parts: ObjectEvents) -> Path:
    with ObjectWriter(path, {}) as writer:
        for part in parts:
            writer.append(part)
    return path


def changed(events: ObjectEvents, **fields: np.ndarray) -> ObjectEvents:
    return ObjectEvents(**{**vars(events), **fields})


def repeated(events: ObjectEvents, other: ObjectEvents) -> bool:
    finder = RepeatFinder()
    finder.add(object_words(concatenated([events, other])))
    return len(finder.candidates()) > 0


def test_genuine_events_pass(tmp_path: Path) -> None:
    paths = [saved(tmp_path / f"{i}.h5", random_events(50, seed=i)) for i in range(3)]
    refuse_repeated_objects(paths)
    assert [kept.tolist() for kept in first_occurrences(paths)] == [[True] * 50] * 3


def test_across_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train = saved(tmp_path / "train.h5", EVENTS[:20])
    other = saved(tmp_path / "other.h5", random_events(60, seed=9))
    test = saved(tmp_path / "test.h5", EVENTS[20:30], EVENTS[7:8], EVENTS[30:])
    with pytest.raises(ValueError) as caught:
        refuse_repeated_objects([train, other, test])
    expected = (
        f"{test}: event 11: it has the same MET and objects as event 8 of {train}; remove one"
    )
    assert str(caught.value).startswith(expected)
    kept = first_occurrences([train, other, test])
    assert [len(mask) for mask in kept] == [20, 60, 21]
    assert [np.flatnonzero(~mask).tolist() for mask in kept] == [[], [], [10]]
    assert "1 of 101 events occur twice and are left out" in caplog.text


def test_in_one_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.h5", EVENTS, EVENTS[3:5], EVENTS[3:4])
    with pytest.raises(ValueError, match=r"a\.h5: event 41: .* event 4 of .*first of 3 rep"):
        refuse_repeated_objects([path])
    (kept,) = first_occurrences([path], most_repeated=0.1)
    assert np.flatnonzero(~kept).tolist() == [40, 41, 42]
    with pytest.raises(ValueError, match=r"a\.h5: 3 of 43 events occur twice, first event 41, whi"):
        first_occurrences([path])


def test_same_file_twice(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.h5", EVENTS)
    (tmp_path / "b.h5").symlink_to(path)
    with pytest.raises(ValueError, match=r"b\.h5: this is the same file as .*a\.h5"):
        refuse_repeated_objects([path, tmp_path / "b.h5"])


def test_equal_hashes_are_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_hash", lambda words: np.zeros(len(words), np.uint64))
    path = saved(tmp_path / "a.h5", EVENTS)
    refuse_repeated_objects([path])


@pytest.mark.parametrize("name", ["weight", "process", "event_id", "order"])
def test_what_does_not_make_another_event(name: str) -> None:
    other = {"process": np.full(40, "zz")}.get(name, getattr(EVENTS, name)[::-1])
    assert repeated(EVENTS, changed(EVENTS, **{name: other}))


@pytest.mark.parametrize("name", ["met", "met_phi", "energy", "pt", "eta", "phi", "type"])
def test_every_number_counts(name: str) -> None:
    values = getattr(EVENTS, name).copy()
    first = np.flatnonzero(EVENTS.present[:, 0])
    if values.ndim == 1:
        values += 1e-9
    elif name == "type":
        values[:, 0] = values[:, 0] % 7 + 1
    else:
        values[:, 0] = np.nextafter(values[:, 0], np.float32(np.inf))
    other = changed(EVENTS, **{name: values})
    assert not repeated(EVENTS[first], other[first])


def test_bits_of_nan_and_sign_of_zero_do_not_count() -> None:
    pt = EVENTS.pt.copy()
    pt[~EVENTS.present] = -np.float32(np.nan)
    eta = EVENTS.eta.copy()
    eta[:, 0] = 0.0
    negative = eta.copy()
    negative[:, 0] = -0.0
    assert repeated(changed(EVENTS, eta=eta), changed(EVENTS, eta=negative, pt=pt))
    assert object_repeats.object_words(EVENTS).shape == (40, 2 + 40 + 3)
