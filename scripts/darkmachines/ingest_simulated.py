"""Put the simulated chunks of a sample into one HDF5 event file."""

from typing import Any

from hepdensity.files import read_json, write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.event_files import ingest_simulated


def main(snakemake: Any) -> None:
    """Ingest the chunks of one sample."""
    configure(snakemake.log[0])
    ingestion = snakemake.params.ingestion
    provenance = record(ingestion, None, snakemake.params.source)
    summary = ingest_simulated(
        list(snakemake.input.chunks),
        [read_json(path) for path in snakemake.input.summaries],
        snakemake.output.events,
        ingestion["process"],
        provenance,
    )
    write_json(snakemake.output.summary, {**summary, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
