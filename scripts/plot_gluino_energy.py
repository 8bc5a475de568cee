"""Plot the energies of the four gluinos against the truth (figure 3)."""

from typing import Any

from hepdensity.files import read_json, write_table
from hepdensity.ingest.event_file import read_events
from hepdensity.logs import configure
from hepdensity.plotting.style import convergence_note, save_figure
from hepdensity.provenance import record
from hepdensity.studies.gluino.plotting.spectra import energy_figure, read_samples


def main(snakemake: Any) -> None:
    """Draw the figure and write its table."""
    configure(snakemake.log[0])
    plot = snakemake.params.plot
    samples = read_samples(snakemake.input.samples, plot["runs"])
    ended_by = [read_json(path)["ended_by"] for path in snakemake.input.summaries]
    truth = read_events(snakemake.input.events).momenta
    note = convergence_note(plot["preset"], ended_by)
    figure, rows = energy_figure(samples, truth, note)
    provenance = record(plot, None, snakemake.params.source)
    save_figure(figure, snakemake.output.pdf, snakemake.output.png, provenance)
    write_table(snakemake.output.table, rows, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
