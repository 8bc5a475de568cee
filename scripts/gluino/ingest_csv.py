"""Read a CSV file of the paper's public data into an HDF5 event file."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.ingest.gluino_csv import ingest_csv
from hepdensity.ingest.summary import summarise
from hepdensity.ingest.validation import Tolerance
from hepdensity.logs import configure
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Ingest the file of one process."""
    configure(snakemake.log[0])
    settings = snakemake.params.ingestion
    provenance = record(settings, None, snakemake.params.source)
    ingest_csv(
        snakemake.input.csv,
        snakemake.output.events,
        settings["process"],
        provenance,
        Tolerance(**settings["tolerance"]),
    )
    summary = summarise(snakemake.output.events, [snakemake.input.csv])
    write_json(snakemake.output.summary, {**summary, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
