"""Put the jets of a process from a user's files into one file of jets."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.jets.jet_files import ingest_files


def main(snakemake: Any) -> None:
    """Ingest the files."""
    configure(snakemake.log[0])
    ingestion = snakemake.params.ingestion
    provenance = record(ingestion, ingestion["seed"], snakemake.params.source)
    files = [*snakemake.input.files, *ingestion["remote"]]
    numbers = ingest_files(files, snakemake.output.jets, ingestion, provenance)
    write_json(snakemake.output.record, {**numbers, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
