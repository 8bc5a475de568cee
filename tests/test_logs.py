"""Logs: messages, warnings and errors reach the file; progress is an occasional line."""

import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from hepdensity import logs


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    path = tmp_path / "deep" / "job.log"
    logs.configure(path)
    yield path
    for handler in root.handlers:
        handler.close()
    root.handlers, sys.excepthook = handlers, hook
    root.setLevel(level)
    logging.captureWarnings(False)


def test_messages_reach_file_and_console(log_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("hepdensity.test").info("42 events")
    assert "INFO hepdensity.test: 42 events" in log_file.read_text()


def test_warnings_reach_the_file(log_file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("overweight events", stacklevel=1)
    assert "overweight events" in log_file.read_text()


def test_uncaught_exception_keeps_its_traceback_for_the_file(
    log_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        raise ValueError("events.lhe: event 3: no gluino")
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    text = log_file.read_text()
    assert "ValueError: events.lhe: event 3: no gluino" in text
    assert "Traceback" in text
    assert "Traceback" not in capfd.readouterr().err


def test_second_configuration_replaces_the_first(log_file: Path, tmp_path: Path) -> None:
    logs.configure(tmp_path / "other.log")
    logging.getLogger("hepdensity.test").info("late")
    assert "late" not in log_file.read_text()
    assert "late" in (tmp_path / "other.log").read_text()


@pytest.mark.parametrize(("interval", "lines"), [(0.0, 4), (1e6, 1)], ids=["always", "rarely"])
def test_progress_logs_lines_at_most_every_interval(
    log_file: Path, interval: float, lines: int
) -> None:
    with logs.progress(6, "training", interval=interval) as advance:
        for step in range(3):
            advance(2, loss=1.23456 + step, phase="warm")
    written = [line for line in log_file.read_text().splitlines() if "training" in line]
    assert len(written) == lines
    assert "training: 6/6 done" in written[-1]
    if lines > 1:
        assert "training: 2/6" in written[0]
        assert "loss=1.235 phase=warm" in written[0]


def test_progress_of_a_failed_job_is_not_done(log_file: Path) -> None:
    with pytest.raises(RuntimeError), logs.progress(6, "training"):
        raise RuntimeError
    assert "done" not in log_file.read_text()
