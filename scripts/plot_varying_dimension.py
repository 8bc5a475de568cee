"""Plot spectra of events with two and four gluinos against the truth (figure 7)."""

from typing import Any

from hepdensity.files import read_json, write_table
from hepdensity.ingest.event_file import read_events
from hepdensity.logs import configure
from hepdensity.plotting.style import convergence_note, save_figure
from hepdensity.provenance import record
from hepdensity.studies.gluino.plotting.multiplicity import (
    read_process_samples,
    varying_dimension_figure,
)


def main(snakemake: Any) -> None:
    """Draw the figure and write its table."""
    configure(snakemake.log[0])
    plot = snakemake.params.plot
    files = {
        "two_gluino": snakemake.input.samples_two_gluino,
        "four_gluino": snakemake.input.samples_four_gluino,
    }
    samples = read_process_samples(files, plot["runs"])
    ended_by = [read_json(path)["ended_by"] for path in snakemake.input.summaries]
    truth = {
        "two_gluino": read_events(snakemake.input.events_two_gluino),
        "four_gluino": read_events(snakemake.input.events_four_gluino),
    }
    note = convergence_note(plot["preset"], ended_by)
    figure, rows = varying_dimension_figure(samples, truth, plot["p_four"], note)
    provenance = record(plot, None, snakemake.params.source)
    save_figure(figure, snakemake.output.pdf, snakemake.output.png, provenance)
    write_table(snakemake.output.table, rows, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
