"""Normalise the true density of a process at the energy and mass of its events."""

from typing import Any

import torch

from hepdensity.files import write_json
from hepdensity.ingest.event_file import read_events
from hepdensity.logs import configure, progress
from hepdensity.physics.gluino import compute_normalisation
from hepdensity.provenance import record
from hepdensity.training.device import choose_device


def main(snakemake: Any) -> None:
    """Write the normalisation with its error."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    settings = snakemake.params.normalisation
    events = read_events(snakemake.input.events, stop=1)
    with progress(settings["points"], "phase-space points") as advance:
        normalisation = compute_normalisation(
            events.sqrt_s,
            events.mass,
            settings["points"],
            settings["seed"],
            events.n_out,
            device=choose_device(settings["device"], "generation.device"),
            advance=advance,
        )
    provenance = record(settings, settings["seed"], snakemake.params.source)
    content = {**normalisation.to_dict(), "provenance": provenance}
    write_json(snakemake.output.normalisation, content)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
