"""Plot importance-weighted bounds on log-likelihoods against their number of draws."""

from typing import Any

from hepdensity.files import read_json, read_table
from hepdensity.logs import configure
from hepdensity.plotting.style import convergence_note, save_figure
from hepdensity.provenance import record
from hepdensity.studies.gluino.plotting.importance_bound import importance_bound_figure


def main(snakemake: Any) -> None:
    """Draw the figure; its table is the input."""
    configure(snakemake.log[0])
    plot = snakemake.params.plot
    rows = read_table(snakemake.input.table)
    ended_by = [read_json(path)["ended_by"] for path in snakemake.input.summaries]
    note = convergence_note(plot["preset"], ended_by)
    figure = importance_bound_figure(rows, note)
    provenance = record(plot, None, snakemake.params.source)
    save_figure(figure, snakemake.output.pdf, snakemake.output.png, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
