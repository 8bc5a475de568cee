"""Compute one-draw and tight log-densities of a group of events under a trained model."""

from typing import Any

import torch

from hepdensity.evaluation.likelihood import Importance, log_likelihoods, passes
from hepdensity.evaluation.scores import write_scores
from hepdensity.logs import configure, progress
from hepdensity.models.build import build_density
from hepdensity.models.inputs import read_batch, read_layout
from hepdensity.provenance import record
from hepdensity.training.checkpoint import load_weights
from hepdensity.training.device import choose_device
from hepdensity.training.seeding import stream


def main(snakemake: Any) -> None:
    """Score the events of a group of the inputs file."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.evaluation
    inputs, seed = snakemake.input.inputs, settings["seed"]
    device, layout = choose_device(settings["device"]), read_layout(inputs)
    # Double precision, for events that would look impossible in single precision.
    events = read_batch(inputs, settings["group"]).to(device)
    model = build_density(params.model["builder"], layout, seed, params.model["settings"])
    load_weights(snakemake.input.weights, model)
    importance = Importance(settings["draws"], settings["events"])
    particles = layout.particles if settings["symmetrised"] else None
    generator = stream(seed, "evaluation", device)
    with progress(passes(model, len(events), importance, particles), "log-densities") as advance:
        model.to(device).eval()
        scores = log_likelihoods(model, events, generator, importance, particles, advance)
    blocks = {"model": params.model, "layout": layout.to_json(), "evaluation": settings}
    write_scores(snakemake.output.scores, scores, record(blocks, seed, params.source))


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
