"""Rows of `events.csv`: the processes of each channel, their cross-sections and shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hepdensity.files import read_json
from hepdensity.studies.darkmachines.layouts import dataset_parts

_KNOWN = ("cross_section", "cross_section_error", "generated", "vetoed", "failed", "cpu_seconds")


def events_table(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per channel and background process, and one per signal.

    Cross-sections [pb] are after the vetoes on the hard process and before all other cuts.
    `events` is the number of events in the event file and `in_channel` of those in the channel;
    `left_out` counts events of the files that could not be used, or have no object that passes the
    trigger. `share` is that of the background, and `scale` the factor on the cross-section that the
    configuration sets.

    Args:
        files: `inputs`, records of one dataset per channel; `events`, records of the event files.
        settings: `roles`, channel -> signal -> role; `scale`, channel -> process -> factor.
    """
    records = {Path(path).stem: read_json(path) for path in files["events"]}
    return [row for path in files["inputs"] for row in _rows(path, records, settings)]


def _rows(
    path: str, records: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    channel, inputs = dataset_parts(Path(path).stem)[0], read_json(path)
    for name, found in inputs["backgrounds"].items():
        scale = settings["scale"].get(channel, {}).get(name, 1.0)
        own = {"in_channel": found["selected"], "share": found["share"], "scale": scale}
        yield {**_named(channel, name, "background"), **_of(records[name]), **own}
    for name, role in settings["roles"].get(channel, {}).items():
        own = {"in_channel": inputs["rows"][name], "share": None, "scale": None}
        yield {**_named(channel, name, role), **_of(records[name]), **own}


def _named(channel: str, name: str, role: str) -> dict[str, str]:
    return {"channel": channel, "process": name, "role": role}


def _of(record: Mapping[str, Any]) -> dict[str, Any]:
    counts = record["counts"]
    known = {name: record.get(name) for name in _KNOWN}
    return {**known, "events": record["events"], "left_out": counts["read"] - counts["kept"]}
