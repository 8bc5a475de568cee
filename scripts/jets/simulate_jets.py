"""Simulate one chunk of the jets of a process: Pythia and the detector, as a ROOT file."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.logs import configure, progress
from hepdensity.provenance import record
from hepdensity.studies.jets.simulation import simulate_jets
from hepdensity.walltime import walltime_of

TOO_LONG = "nothing of this chunk is kept; raise the runtime, or lower jets.simulated.chunk"


def main(snakemake: Any) -> None:
    """Simulate the chunk and write its summary."""
    configure(snakemake.log[0])
    walltime = walltime_of(snakemake.resources)
    generation = snakemake.params.generation
    provenance = record(generation, generation["seed"], snakemake.params.source)
    with progress(generation["events"], "events") as advance:
        advance = walltime.checked(advance, TOO_LONG)
        summary = simulate_jets(generation, snakemake.output.root, advance=advance)
    write_json(snakemake.output.summary, {**summary, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
