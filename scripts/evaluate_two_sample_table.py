"""Collect the classifier two-sample tests of all trainings."""

from typing import Any

from hepdensity.evaluation.two_sample import two_sample_rows
from hepdensity.files import read_json, write_table
from hepdensity.logs import configure
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Write the table."""
    configure(snakemake.log[0])
    grid = snakemake.params.grid
    results = [read_json(path)["results"] for path in snakemake.input.results]
    rows = two_sample_rows(grid["runs"], results)
    write_table(snakemake.output.table, rows, record(grid, None, snakemake.params.source))


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
