"""The table of event files."""

from pathlib import Path

from hepdensity.files import write_json
from hepdensity.studies.gluino.evaluation.events import events_table


def test_table_has_a_row_for_each_process(tmp_path: Path) -> None:
    known = {
        **{"source": "embedded", "events": 9, "cross_section": 1.5, "cross_section_error": 0.1},
        **{"overweight_fraction": 0.0, "cpu_seconds": 3.0, "provenance": {}},
    }
    paths = [tmp_path / f"{process}.json" for process in ("four_gluino", "two_gluino")]
    for path in paths:
        write_json(path, {**known, "process": path.stem})
    rows = events_table({"summaries": paths}, {})
    assert [row["process"] for row in rows] == ["four_gluino", "two_gluino"]
    assert list(rows[0]) == [
        *("source", "process", "events", "cross_section_pb", "cross_section_error_pb"),
        *("overweight_fraction", "cpu_seconds"),
    ]
    assert rows[0]["cross_section_pb"] == 1.5
