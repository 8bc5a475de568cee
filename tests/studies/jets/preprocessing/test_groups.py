"""Groups of jets: sizes, parts of the source, events that stay together, weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_jets import random_jets

from hepdensity.ingest.jet_file import JetWriter
from hepdensity.studies.jets.preprocessing.groups import (
    GROUPS,
    UNUSED,
    trained_codes,
    untrained_codes,
)

TRAIN, VALIDATION, TEST = (GROUPS.index(name) for name in ("train", "validation", "test"))


def written(path: Path, n: int = 20, **columns: Any) -> Path:
    with JetWriter(path, {}) as writer:
        writer.append(random_jets(n, 1, **columns))
    return path


def test_groups_follow_each_other(tmp_path: Path) -> None:
    codes = trained_codes(written(tmp_path / "a.h5"), test=3, validation=2, train=10)
    expected = [TEST] * 3 + [VALIDATION] * 2 + [TRAIN] * 10 + [UNUSED] * 5
    assert codes.tolist() == expected


def test_two_jets_of_an_event_are_in_one_group_or_unused(tmp_path: Path) -> None:
    """The test group ends inside event 1, whose second jet is then in no group."""
    events = np.array([0, 1, 1, 2, 3, 3, *range(4, 18)])
    codes = trained_codes(written(tmp_path / "a.h5", event_id=events), 2, 2, 10)
    assert codes[:6].tolist() == [TEST, TEST, UNUSED, VALIDATION, VALIDATION, UNUSED]
    for one in GROUPS:
        for other in set(GROUPS) - {one}:
            own, its = (set(events[codes == GROUPS.index(name)]) for name in (one, other))
            assert not own & its


def test_parts_of_the_source(tmp_path: Path) -> None:
    part = np.array([TRAIN, TEST] * 6 + [VALIDATION] * 8)
    path = written(tmp_path / "a.h5", part=part)
    codes = trained_codes(path, 2, 3, 4)
    assert np.flatnonzero(codes == TEST).tolist() == [1, 3]
    assert np.flatnonzero(codes == TRAIN).tolist() == [0, 2, 4, 6]
    assert np.flatnonzero(codes == VALIDATION).tolist() == [12, 13, 14]
    assert np.flatnonzero(untrained_codes(path, 2) == TEST).tolist() == [1, 3]


def test_test_jets_are_the_same_in_every_dataset(tmp_path: Path) -> None:
    events = np.array([0, 0, *range(1, 19)])
    path = written(tmp_path / "a.h5", event_id=events)
    for test in (1, 2, 5):
        trained = trained_codes(path, test, 2, 5) == TEST
        assert (trained == (untrained_codes(path, test) == TEST)).all()


def test_bad_input(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5")
    with pytest.raises(ValueError, match=r"a\.h5: there are 20 jets for testing, but 21 are"):
        untrained_codes(path, 21)
    with pytest.raises(ValueError, match=r"a\.h5: there are 20 events, but 30 are needed"):
        trained_codes(path, 10, 10, 10)
    weighted = written(tmp_path / "b.h5", weight=np.linspace(1, 2, 20))
    with pytest.raises(ValueError, match=r"b\.h5: jets have different weights, from 1 to 2; unw"):
        untrained_codes(weighted, 5)
