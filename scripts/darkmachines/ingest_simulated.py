"""Put the simulated chunks of each process into one HDF5 event file."""

from itertools import islice
from typing import Any

from hepdensity.files import read_json, write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.event_files import ingest_simulated


def main(snakemake: Any) -> None:
    """Ingest the chunks of all processes."""
    configure(snakemake.log[0])
    params, output = snakemake.params, snakemake.output
    chunks, summaries = iter(snakemake.input.chunks), iter(snakemake.input.summaries)
    outputs = zip(params.chunks.items(), output.events, output.summaries, strict=True)
    for (process, count), events, summary in outputs:
        provenance = record({"process": process, "chunks": count}, None, params.source)
        numbers = ingest_simulated(
            list(islice(chunks, count)),
            [read_json(path) for path in islice(summaries, count)],
            events,
            process,
            provenance,
        )
        write_json(summary, {**numbers, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
