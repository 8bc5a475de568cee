"""The table of event files."""

from collections.abc import Mapping
from typing import Any

from hepdensity.files import read_json

_COLUMNS = {
    "source": "source",
    "process": "process",
    "events": "events",
    "cross_section": "cross_section_pb",
    "cross_section_error": "cross_section_error_pb",
    "overweight_fraction": "overweight_fraction",
    "cpu_seconds": "cpu_seconds",
}


def events_table(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table `events`, one per process.

    Args:
        files: `summaries` of the event files.
        settings: Not used.
    """
    summaries = [read_json(path) for path in files["summaries"]]
    return [{column: one[key] for key, column in _COLUMNS.items()} for one in summaries]
