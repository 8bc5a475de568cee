"""Share of four-gluino events: what is set, and what the events' cross-sections give."""

from typing import Any

from hepdensity.files import read_json, write_table
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.gluino.evaluation.multiplicity import p_four_row


def main(snakemake: Any) -> None:
    """Write the table of both."""
    configure(snakemake.log[0])
    setting = snakemake.params.p_four
    row = p_four_row(setting, [read_json(path) for path in snakemake.input.summaries])
    provenance = record({"p_four": setting}, None, snakemake.params.source)
    write_table(snakemake.output.table, [row], provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
