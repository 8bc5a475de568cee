"""Read the challenge files of one sample into an HDF5 event file."""

from collections import Counter
from typing import Any

from hepdensity.files import write_json
from hepdensity.ingest.challenge_csv import read_challenge_csv
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.event_files import write_events


def main(snakemake: Any) -> None:
    """Ingest the files of one sample; events keep the names of their processes."""
    configure(snakemake.log[0])
    ingestion = snakemake.params.ingestion
    provenance = record(ingestion, None, snakemake.params.source)
    counts: Counter[str] = Counter()
    limits = {"counts": counts, "most_irregular": ingestion["largest_skipped"]}
    events = (
        chunk
        for path in snakemake.input.files
        for chunk in read_challenge_csv(path, ingestion["member"], **limits)
    )
    kept = write_events(events, snakemake.output.events, provenance, ingestion)
    summary = {"events": kept, "counts": counts, "provenance": provenance}
    write_json(snakemake.output.summary, summary)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
