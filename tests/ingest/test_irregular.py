"""Irregular events are logged and, above the limit, refused."""

import pytest

from hepdensity.ingest.irregular import NO_MET, WEIGHT, IrregularEvents


def counted(events: int, limit: float, **counts: int) -> IrregularEvents:
    irregular = IrregularEvents("a.csv", limit)
    irregular.events = events
    irregular.counts.update(counts)
    return irregular


def test_up_to_the_limit_they_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    counted(100, 0.05, **{NO_MET: 3, WEIGHT: 2, "never": 0}).conclude()
    told = f"a.csv: 5 of 100 events are left out or shortened ({NO_MET}: 3; {WEIGHT}: 2)"
    assert caplog.messages == [told]


def test_above_the_limit_they_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a\.csv: 6 of 100 events .*, more than the fraction 0"):
        counted(100, 0.05, **{NO_MET: 6}).conclude()


def test_regular_files_are_silent(caplog: pytest.LogCaptureFixture) -> None:
    counted(100, 0.0, **{NO_MET: 0}).conclude()
    assert caplog.messages == []


def test_no_events() -> None:
    with pytest.raises(ValueError, match=r"^a\.csv: there are no events; give a file with events"):
        counted(0, 1.0).conclude()
