"""Draw samples from a trained model."""

from typing import Any

import torch

from hepdensity.evaluation.samples import ALL, draw_samples, write_samples
from hepdensity.logs import configure, progress
from hepdensity.models.base import DensityModel
from hepdensity.models.build import load_model
from hepdensity.models.inputs import read_layout
from hepdensity.provenance import record
from hepdensity.training.device import choose_device
from hepdensity.training.seeding import stream


def main(snakemake: Any) -> None:
    """Draw samples; those without a valid category are counted and dropped."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.samples
    layout, seed = read_layout(snakemake.input.inputs), settings["seed"]
    sample, count = settings["sample"], settings["count"]
    device = choose_device(settings["device"])
    weights = snakemake.input.weights
    model = load_model(DensityModel, weights, params.model, layout, seed, device)
    name = "samples" if sample == ALL else f"samples {sample}"
    generator = stream(seed, name, device)
    with progress(count, "samples") as advance:
        samples = draw_samples(model, layout, sample, count, generator, device.type, advance)
    blocks = {"model": params.model, "layout": layout.to_json(), "samples": settings}
    write_samples(snakemake.output.samples, samples, record(blocks, seed, params.source))


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
