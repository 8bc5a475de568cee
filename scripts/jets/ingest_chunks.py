"""Put the simulated chunks of a process into one file of jets."""

from typing import Any

from hepdensity.files import read_json, write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.jets.jet_files import ingest_simulated


def main(snakemake: Any) -> None:
    """Ingest the chunks."""
    configure(snakemake.log[0])
    ingestion = snakemake.params.ingestion
    provenance = record(ingestion, None, snakemake.params.source)
    summaries = [read_json(path) for path in snakemake.input.summaries]
    files = list(snakemake.input.chunks)
    numbers = ingest_simulated(files, summaries, snakemake.output.jets, ingestion, provenance)
    write_json(snakemake.output.record, {**numbers, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
