"""Log-densities of the test events under a trained model: one draw, and exact."""

from typing import Any

import torch

from hepdensity.evaluation.likelihood import log_likelihoods
from hepdensity.evaluation.scores import Scores, write_scores
from hepdensity.logs import configure, progress
from hepdensity.models.registry import build_model
from hepdensity.preprocessing.inputs import PARTICLES, read_angles
from hepdensity.provenance import record
from hepdensity.training.checkpoint import load_weights
from hepdensity.training.device import choose_device
from hepdensity.training.seeding import stream


def main(snakemake: Any) -> None:
    """Score the test events."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.evaluation
    device = choose_device(settings["device"])
    events = torch.from_numpy(read_angles(snakemake.input.inputs, "test")).float().to(device)
    model = build_model(params.model, settings["seed"])
    load_weights(snakemake.input.weights, model)
    generator = stream(settings["seed"], "evaluation", device)
    kinds = 2 if model.bound else 3
    with progress(kinds * len(events), "log-densities") as advance:
        arrays = log_likelihoods(model.to(device).eval(), events, PARTICLES, generator, advance)
    blocks = {"model": params.model, "evaluation": settings}
    provenance = record(blocks, settings["seed"], params.source)
    write_scores(snakemake.output.scores, Scores(arrays, {}), provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
