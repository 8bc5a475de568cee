"""Plot log-likelihoods of treatments of labels and their distances to the truth (figure 10)."""

from typing import Any

from hepdensity.files import read_table
from hepdensity.logs import configure
from hepdensity.plotting.style import convergence_note, save_figure
from hepdensity.provenance import record
from hepdensity.studies.gluino.plotting.label_likelihood import label_likelihood_figure


def main(snakemake: Any) -> None:
    """Draw the figure; its table is the input."""
    configure(snakemake.log[0])
    plot = snakemake.params.plot
    rows = read_table(snakemake.input.table)
    note = convergence_note(plot["preset"], [row["ended_by"] for row in rows])
    figure = label_likelihood_figure(rows, note)
    provenance = record(plot, None, snakemake.params.source)
    save_figure(figure, snakemake.output.pdf, snakemake.output.png, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
