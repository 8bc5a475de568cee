"""Plot the mass of gluino pairs against the truth (figure 4)."""

from typing import Any

from hepdensity.io import read_events, read_json, write_table
from hepdensity.logs import configure
from hepdensity.plotting.spectra import Sample, digluino_mass_figure
from hepdensity.plotting.style import convergence_note, save_figure


def main(snakemake: Any) -> None:
    """Draw the figure and write its table."""
    configure(snakemake.log[0])
    plot = snakemake.params.plot
    samples = [
        Sample.of_events(read_events(path), run["model"], run["n_train"], run["seed"])
        for path, run in zip(snakemake.input.samples, plot["runs"], strict=True)
    ]
    ended_by = [read_json(path)["ended_by"] for path in snakemake.input.summaries]
    truth = read_events(snakemake.input.events).momenta
    note = convergence_note(plot["preset"], ended_by)
    figure, rows = digluino_mass_figure(samples, truth, note)
    save_figure(figure, snakemake.output.pdf, snakemake.output.png)
    write_table(snakemake.output.table, rows)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
