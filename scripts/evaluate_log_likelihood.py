"""Collect the log-likelihoods of all trainings and their distances to the truth."""

from typing import Any

from hepdensity.evaluation.likelihood_table import EvaluatedRun, likelihood_rows
from hepdensity.evaluation.samples import drawn
from hepdensity.evaluation.scores import read_scores
from hepdensity.io import read_json, write_table
from hepdensity.logs import configure
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Write the table behind figure 5."""
    configure(snakemake.log[0])
    files = snakemake.input
    truth = read_scores(files.truth) if files.get("truth") else None
    grid = snakemake.params.grid
    runs = [
        EvaluatedRun(
            *(run["model"], run["n_train"], run["seed"]),
            *(read_scores(scores), read_json(summary)),
            *drawn(samples),
        )
        for run, scores, summary, samples in zip(
            grid["runs"], files.scores, files.summaries, files.samples, strict=True
        )
    ]
    provenance = record(grid, None, snakemake.params.source)
    write_table(snakemake.output.table, likelihood_rows(runs, truth), provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
