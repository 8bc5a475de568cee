"""Plot fractions of helicity configurations and colour orders (figure 11)."""

from typing import Any

from hepdensity.files import read_json, write_table
from hepdensity.logs import configure
from hepdensity.plotting.style import convergence_note, save_figure
from hepdensity.provenance import record
from hepdensity.studies.gluino.plotting.label_fractions import discrete_marginals_figure
from hepdensity.studies.gluino.plotting.labelled_samples import (
    read_labelled_events,
    read_labelled_samples,
)


def main(snakemake: Any) -> None:
    """Draw the figure and write its table."""
    configure(snakemake.log[0])
    plot = snakemake.params.plot
    samples = read_labelled_samples(snakemake.input.samples, plot["runs"])
    ended_by = [read_json(path)["ended_by"] for path in snakemake.input.summaries]
    truth = read_labelled_events(snakemake.input.events)
    note = convergence_note(plot["preset"], ended_by)
    figure, rows = discrete_marginals_figure(samples, truth, note)
    provenance = record(plot, None, snakemake.params.source)
    save_figure(figure, snakemake.output.pdf, snakemake.output.png, provenance)
    write_table(snakemake.output.table, rows, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
