"""Measure how accurate the log-densities of a training are."""

from typing import Any

import torch

from hepdensity.files import write_json
from hepdensity.logs import configure
from hepdensity.models.build import load_model
from hepdensity.models.diffusion.density import SetDensity
from hepdensity.models.inputs import read_batch, read_layout
from hepdensity.provenance import record
from hepdensity.studies.jets.evaluation.accuracy import accuracy
from hepdensity.training.device import choose_device
from hepdensity.training.seeding import stream


def main(snakemake: Any) -> None:
    """Measure errors on the first test jets."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.accuracy
    inputs, seed = snakemake.input.inputs, settings["seed"]
    layout, device = read_layout(inputs), choose_device(settings["device"])
    weights = snakemake.input.weights
    model = load_model(SetDensity, weights, params.model, layout, seed, device)
    jets = {
        group: read_batch(inputs, group, min(settings["jets"], settings["test"])).float().to(device)
        for group in settings["groups"]
    }
    generator = stream(seed, "accuracy", device)
    found = accuracy(model, layout, jets, settings, generator)
    blocks = {"model": params.model, "layout": layout.to_json(), "accuracy": settings}
    provenance = record(blocks, seed, params.source)
    write_json(snakemake.output.accuracy, {**found, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
