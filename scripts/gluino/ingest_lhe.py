"""Read LHE files into one HDF5 event file."""

from typing import Any

from hepdensity.files import read_json, write_json
from hepdensity.ingest.lhe import ingest_lhe
from hepdensity.ingest.summary import summarise
from hepdensity.ingest.validation import Tolerance
from hepdensity.logs import configure
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Ingest the files of one process."""
    configure(snakemake.log[0])
    settings = snakemake.params.ingestion
    provenance = record(settings, None, snakemake.params.source)
    ingest_lhe(
        list(snakemake.input.lhe),
        snakemake.output.events,
        settings["process"],
        provenance,
        source=snakemake.wildcards.source,
        tolerance=Tolerance(**settings["tolerance"]),
        workers=snakemake.threads,
    )
    generation = [read_json(path) for path in snakemake.input.summaries]
    summary = summarise(snakemake.output.events, list(snakemake.input.lhe), generation)
    write_json(snakemake.output.summary, {**summary, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
