"""Log-densities of the test events under a trained model: one draw, and as tight as can be."""

from typing import Any

import torch

from hepdensity.evaluation.likelihood import Importance, log_likelihoods, passes
from hepdensity.evaluation.scores import write_scores
from hepdensity.logs import configure, progress
from hepdensity.models.inputs import read_batch, with_mass
from hepdensity.models.registry import build_model
from hepdensity.provenance import record
from hepdensity.studies.gluino.preprocessing.inputs import PARTICLES
from hepdensity.training.checkpoint import load_weights
from hepdensity.training.device import choose_device
from hepdensity.training.seeding import stream


def main(snakemake: Any) -> None:
    """Score the test events."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.evaluation
    device = choose_device(settings["device"])
    # Double precision for the events that single precision makes impossible.
    events = read_batch(
        snakemake.input.inputs, "test", settings["data"], precision=torch.float64
    ).to(device)
    model = build_model(with_mass(params.model, snakemake.input.inputs), settings["seed"])
    load_weights(snakemake.input.weights, model)
    importance = Importance(settings["draws"], settings["events"])
    particles = PARTICLES if settings["data"] == "angles" else None
    generator = stream(settings["seed"], "evaluation", device)
    with progress(passes(model, len(events), importance, particles), "log-densities") as advance:
        model.to(device).eval()
        scores = log_likelihoods(model, events, generator, importance, particles, advance)
    blocks = {"model": params.model, "evaluation": settings}
    provenance = record(blocks, settings["seed"], params.source)
    write_scores(snakemake.output.scores, scores, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
