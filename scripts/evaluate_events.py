"""Collect what is known of each event sample in one table."""

from typing import Any

from hepdensity.files import read_json, write_table
from hepdensity.logs import configure
from hepdensity.provenance import record

COLUMNS = {
    "source": "source",
    "process": "process",
    "events": "events",
    "cross_section": "cross_section_pb",
    "cross_section_error": "cross_section_error_pb",
    "overweight_fraction": "overweight_fraction",
    "cpu_seconds": "cpu_seconds",
}


def main(snakemake: Any) -> None:
    """Write the table of events."""
    configure(snakemake.log[0])
    summaries = [read_json(path) for path in snakemake.input.summaries]
    rows = [{column: one[key] for key, column in COLUMNS.items()} for one in summaries]
    write_table(snakemake.output.table, rows, record({}, None, snakemake.params.source))


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
