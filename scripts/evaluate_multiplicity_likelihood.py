"""Collect log-likelihoods of models of two and four gluinos and their distances to the truth."""

from typing import Any

from hepdensity.evaluation.runs import read_run
from hepdensity.evaluation.scores import read_scores
from hepdensity.files import write_table
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.gluino.evaluation.multiplicity import multiplicity_rows
from hepdensity.studies.gluino.preprocessing.inputs import read_angles


def main(snakemake: Any) -> None:
    """Write the table that belongs to figure 7."""
    configure(snakemake.log[0])
    files, grid = snakemake.input, snakemake.params.grid
    truth = read_scores(files.truth) if files.get("truth") else None
    samples = (files.four_gluino, files.two_gluino)
    columns = (grid["runs"], files.scores, files.summaries, *samples)
    runs = [read_run(*one) for one in zip(*columns, strict=True)]
    rows = multiplicity_rows(runs, read_angles(files.inputs, "test"), truth)
    write_table(snakemake.output.table, rows, record(grid, None, snakemake.params.source))


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
