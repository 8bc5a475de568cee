"""Generate one chunk of unweighted events gg -> n gluinos as an LHE file."""

from typing import Any

import torch

from hepdensity.files import write_json
from hepdensity.generate.gluino import generate_unweighted
from hepdensity.generate.lhe_writer import write_lhe
from hepdensity.logs import configure, progress
from hepdensity.physics.events import PROCESSES
from hepdensity.provenance import record
from hepdensity.training.device import choose_device
from hepdensity.walltime import walltime_of

TOO_LONG = "nothing of this chunk is kept; raise the runtime, or lower gluino.generation.*.chunk"


def main(snakemake: Any) -> None:
    """Generate a chunk; all chunks of a seed share the stated maximum."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    walltime = walltime_of(snakemake.resources)
    settings = snakemake.params.generation
    provenance = record(settings, settings["seed"], snakemake.params.source)
    with progress(settings["events"], "events") as advance:
        advance = walltime.checked(advance, TOO_LONG)
        generated = generate_unweighted(
            settings["events"],
            PROCESSES[settings["process"]],
            settings["sqrt_s"],
            settings["mass"],
            settings["alpha_s"],
            settings["seed"],
            settings["chunk"],
            choose_device(settings["device"], "generation.device"),
            advance=advance,
        )
    write_lhe(snakemake.output.lhe, generated.events, provenance)
    write_json(snakemake.output.summary, {**generated.summary(), "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
