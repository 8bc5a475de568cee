"""Summarise an event file for the table of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hepdensity.ingest.event_file import count_events, read_events


def summarise(
    events_path: str | Path,
    files: Sequence[str | Path],
    generation: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Summarise an event file.

    Args:
        events_path: The event file.
        files: The input files.
        generation: Summaries of the embedded generator, one per file, with `events`,
            `overweight_fraction` and `cpu_seconds`; empty for other sources.

    Returns:
        source, process, events, cross_section and cross_section_error [pb], overweight_fraction,
        cpu_seconds (of the generation), sqrt_s and mass [GeV], files; None if unknown.
    """
    first = read_events(events_path, 0, 1)
    total = sum(int(piece["events"]) for piece in generation)
    overweight = sum(piece["overweight_fraction"] * piece["events"] for piece in generation)
    return {
        "source": first.source,
        "process": first.process,
        "events": count_events(events_path),
        "cross_section": first.cross_section,
        "cross_section_error": first.cross_section_error,
        "overweight_fraction": overweight / total if total else None,
        "cpu_seconds": sum(piece["cpu_seconds"] for piece in generation) if total else None,
        "sqrt_s": first.sqrt_s,
        "mass": first.mass,
        "files": [str(file) for file in files],
    }
