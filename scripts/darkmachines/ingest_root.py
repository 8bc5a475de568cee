"""Read a user's Delphes files of one sample into an HDF5 event file."""

from collections import Counter
from typing import Any

from hepdensity.files import write_json
from hepdensity.ingest.delphes import read_delphes
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.event_files import write_events


def main(snakemake: Any) -> None:
    """Ingest the files of one sample."""
    configure(snakemake.log[0])
    ingestion = snakemake.params.ingestion
    provenance = record(ingestion, None, snakemake.params.source)
    counts: Counter[str] = Counter()
    paths = [str(path) for path in snakemake.input.files] + ingestion["remote"]
    events = read_delphes(
        paths,
        process=ingestion["process"],
        counts=counts,
        most_irregular=ingestion["largest_skipped"],
    )
    kept = write_events(events, snakemake.output.events, provenance, ingestion)
    summary = {"events": kept, "counts": counts, "provenance": provenance}
    write_json(snakemake.output.summary, summary)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
