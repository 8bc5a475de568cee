"""Collect the log-likelihoods of all trainings and their distances to the truth."""

from typing import Any

from hepdensity.evaluation.likelihood_table import EvaluatedRun, likelihood_rows
from hepdensity.evaluation.scores import read_scores
from hepdensity.io import read_events, read_json, write_table
from hepdensity.logs import configure


def main(snakemake: Any) -> None:
    """Write the table behind figure 5."""
    configure(snakemake.log[0])
    files = snakemake.input
    truth = read_scores(files.truth) if files.get("truth") else None
    runs = []
    for run, scores, summary, samples in zip(
        snakemake.params.grid["runs"], files.scores, files.summaries, files.samples, strict=True
    ):
        events = read_events(samples)
        assert events.drawn is not None
        evaluated = (read_scores(scores), read_json(summary), events.drawn, len(events))
        runs.append(EvaluatedRun(run["model"], run["n_train"], run["seed"], *evaluated))
    write_table(snakemake.output.table, likelihood_rows(runs, truth))


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
