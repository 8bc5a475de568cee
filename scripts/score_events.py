"""Compute one-draw and tight log-densities of groups of events under a trained model."""

import shutil
from pathlib import Path
from typing import Any

import torch

from hepdensity.checkpoint import fingerprint
from hepdensity.evaluation.chunks import Unfinished
from hepdensity.evaluation.likelihood import Importance, log_likelihoods, passes
from hepdensity.evaluation.scores import Scores, write_group_scores
from hepdensity.logs import configure, progress
from hepdensity.models.base import DensityModel
from hepdensity.models.build import load_model
from hepdensity.models.inputs import read_batch, read_layout
from hepdensity.provenance import record
from hepdensity.training.device import choose_device
from hepdensity.training.seeding import stream
from hepdensity.walltime import walltime_of


def main(snakemake: Any) -> None:
    """Score the events of one or several groups of the inputs file."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    walltime = walltime_of(snakemake.resources)
    params, settings = snakemake.params, snakemake.params.evaluation
    inputs, seed = snakemake.input.inputs, settings["seed"]
    device, layout = choose_device(settings["device"]), read_layout(inputs)
    model = load_model(DensityModel, snakemake.input.weights, params.model, layout, seed, device)
    importance = Importance(settings["draws"], settings["events"])
    particles = layout.particles if settings["symmetrised"] else None
    # Not an output of the rule, because Snakemake deletes outputs before a job starts.
    folder = Path(snakemake.output.scores).with_suffix(".unfinished")

    def scores_of(group: str) -> Scores:
        # Double precision, for events that would look impossible in single precision.
        events = read_batch(inputs, group).to(device)
        total = passes(model, len(events), importance, particles)
        generator = stream(seed, "evaluation", device)
        told = [params.model, settings, params.source, group]
        identity = fingerprint(told, *model.state_dict().values(), events)
        unfinished = Unfinished(folder / f"{group}.safetensors", identity, walltime)
        with progress(total, f"log-densities of {group}") as advance:
            return log_likelihoods(
                model, events, generator, importance, particles, advance, unfinished
            )

    scores = {group: scores_of(group) for group in settings["groups"]}
    blocks = {"model": params.model, "layout": layout.to_json(), "evaluation": settings}
    provenance = record(blocks, seed, params.source)
    write_group_scores(snakemake.output.scores, scores, provenance, alone=settings["group"])
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
