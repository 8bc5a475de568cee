"""Jobs stop before the end of their walltime, or after a SIGTERM, and ask for another one."""

import os
import signal
from collections.abc import Iterator

import pytest

from hepdensity.walltime import AGAIN, Walltime, walltime_of


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Restore the handler of SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_no_limit() -> None:
    assert not Walltime().over
    assert not walltime_of({}).over
    assert not walltime_of({"runtime": 10}).over


@pytest.mark.parametrize("margin", [59.9999, 30])
def test_runtime_less_the_margin(margin: float, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("hepdensity.walltime.time.monotonic", lambda: now)
    walltime = walltime_of({"runtime": 1, "margin": margin})
    now += 59.9 - margin
    assert not walltime.over
    now += 0.2
    assert walltime.over


def test_margin_that_leaves_no_time() -> None:
    with pytest.raises(ValueError, match=r"runtime of 3 min leaves no time .* lower the resource"):
        walltime_of({"runtime": 3})


def test_sigterm_is_heeded_at_the_next_check(caplog: pytest.LogCaptureFixture) -> None:
    walltime = walltime_of({})
    os.kill(os.getpid(), signal.SIGTERM)
    assert walltime.over
    with pytest.raises(SystemExit) as ended:
        walltime.end_job("saved")
    assert ended.value.code == AGAIN
    assert "the job ends, because it was told to end: saved" in caplog.text


def test_progress_ends_the_job(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[int, float]] = []

    def advance(n: int = 1, *, loss: float = 0.0) -> None:
        told.append((n, loss))

    Walltime().checked(advance, "nothing is kept")(3, loss=0.5)
    with pytest.raises(SystemExit) as ended:
        Walltime(0.0).checked(advance, "nothing is kept")(4)
    assert told == [(3, 0.5), (4, 0.0)]
    assert ended.value.code == AGAIN
    assert "its walltime is nearly over: nothing is kept" in caplog.text
