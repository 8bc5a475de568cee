"""Summaries of event files."""

from pathlib import Path

import numpy as np
import pytest

from hepdensity.ingest.event_file import write_events
from hepdensity.ingest.summary import summarise
from hepdensity.physics.events import Events


@pytest.fixture
def event_file(tmp_path: Path) -> Path:
    events = Events(
        np.ones((5, 2, 4)), 3000.0, 600.0, "embedded", cross_section=9.2, cross_section_error=0.1
    )
    write_events(tmp_path / "events.h5", events, {})
    return tmp_path / "events.h5"


def test_summary_of_generated_events(event_file: Path) -> None:
    generation = [
        {"events": 1, "overweight_fraction": 0.5, "cpu_seconds": 2.0},
        {"events": 4, "overweight_fraction": 0.0, "cpu_seconds": 3.0},
    ]
    assert summarise(event_file, [Path("a.lhe"), "b.lhe"], generation) == {
        "source": "embedded",
        "process": "two_gluino",
        "events": 5,
        "cross_section": 9.2,
        "cross_section_error": 0.1,
        "overweight_fraction": 0.1,
        "cpu_seconds": 5.0,
        "sqrt_s": 3000.0,
        "mass": 600.0,
        "files": ["a.lhe", "b.lhe"],
    }


def test_summary_of_other_events(event_file: Path) -> None:
    summary = summarise(event_file, ["a.lhe"])
    assert (summary["overweight_fraction"], summary["cpu_seconds"]) == (None, None)
