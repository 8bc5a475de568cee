"""Draw samples from a trained model and write them as events."""

from typing import Any

import torch

from hepdensity.ingest.event_file import write_events
from hepdensity.logs import configure, progress
from hepdensity.models.inputs import with_mass
from hepdensity.models.registry import build_model
from hepdensity.provenance import record
from hepdensity.studies.gluino.evaluation.samples import sample_events
from hepdensity.studies.gluino.preprocessing.inputs import read_header
from hepdensity.training.checkpoint import load_weights
from hepdensity.training.device import choose_device
from hepdensity.training.seeding import stream


def main(snakemake: Any) -> None:
    """Sample; invalid categories and unphysical points are counted and dropped."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.samples
    header = read_header(snakemake.input.inputs)
    device = choose_device(settings["device"])
    model = build_model(with_mass(params.model, snakemake.input.inputs), settings["seed"])
    load_weights(snakemake.input.weights, model)
    model.to(device)
    generator = stream(settings["seed"], "samples", device)
    count = settings["count"]
    with progress(count, "samples") as advance:
        events = sample_events(
            lambda n: model.attempt(n, generator),
            *(count, header.sqrt_s, header.mass, device.type, advance),
        )
    blocks = {"model": params.model, "samples": settings}
    write_events(snakemake.output.samples, events, record(blocks, settings["seed"], params.source))


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
