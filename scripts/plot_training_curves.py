"""Plot losses and learning rates of all trainings against their steps."""

from typing import Any

from hepdensity.files import read_json, read_table, write_table
from hepdensity.logs import configure
from hepdensity.plotting.style import convergence_note, save_figure
from hepdensity.plotting.training import TrainingCurve, training_figure
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Draw the figure and write its table."""
    configure(snakemake.log[0])
    plot = snakemake.params.plot
    histories = [read_table(path) for path in snakemake.input.histories]
    ended_by = [read_json(path)["ended_by"] for path in snakemake.input.summaries]
    curves = [
        TrainingCurve(run["model"], run["n_train"], run["seed"], history, ending)
        for run, history, ending in zip(plot["runs"], histories, ended_by, strict=True)
    ]
    figure, rows = training_figure(curves, convergence_note(plot["preset"], ended_by))
    provenance = record(plot, None, snakemake.params.source)
    save_figure(figure, snakemake.output.pdf, snakemake.output.png, provenance)
    write_table(snakemake.output.table, rows, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
