"""Collect the log-likelihoods of models of labels and their distances to the joint truth."""

from typing import Any

from hepdensity.evaluation.runs import read_run
from hepdensity.evaluation.scores import read_scores
from hepdensity.files import write_table
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.gluino.evaluation.label_table import bound_rows, label_rows


def main(snakemake: Any) -> None:
    """Write the tables behind figure 10: all values, and the bounds against the draws."""
    configure(snakemake.log[0])
    files, grid = snakemake.input, snakemake.params.grid
    truth = read_scores(files.truth) if files.get("truth") else None
    columns = (grid["runs"], files.scores, files.summaries, files.samples)
    runs = [read_run(*one) for one in zip(*columns, strict=True)]
    provenance = record(grid, None, snakemake.params.source)
    write_table(snakemake.output.table, label_rows(runs, truth), provenance)
    write_table(snakemake.output.curve, bound_rows(runs, truth), provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
