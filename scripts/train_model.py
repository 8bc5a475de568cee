"""Train one model on the first n_train events of the training pool."""

import shutil
from pathlib import Path
from typing import Any

import torch

from hepdensity.files import write_json, write_table
from hepdensity.logs import configure, progress
from hepdensity.models.base import multiplicity_model
from hepdensity.models.inputs import read_batch, with_mass
from hepdensity.models.registry import build_model, builder_of
from hepdensity.provenance import record
from hepdensity.training.checkpoint import fingerprint, save_weights
from hepdensity.training.loop import follow, train
from hepdensity.training.settings import TrainingSettings


def main(snakemake: Any) -> None:
    """Train to a stop rule; an interrupted training goes on from its checkpoint."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, run = snakemake.params, snakemake.params.run
    settings = TrainingSettings.from_config(params.training)
    blocks = {"model": params.model, "training": params.training, "run": run}
    provenance = record(blocks, run["seed"], params.source)
    training, validation = (
        read_batch(snakemake.input.inputs, part, run["data"], count)
        for part, count in (("train", run["n_train"]), ("validation", None))
    )
    model = build_model(with_mass(params.model, snakemake.input.inputs), run["seed"])
    if run["data"] == "multiplicity":
        multiplicity_model(model, ":".join(builder_of(params.model)))
    model.prepare(training)
    identity = fingerprint([blocks, params.source], training, validation)
    checkpoint = Path(run["checkpoint"]) / "training.safetensors"
    with progress(settings.expected_steps, "training steps") as advance:
        result = train(
            model,
            training,
            validation,
            settings,
            run["seed"],
            checkpoint,
            identity,
            report=follow(advance),
        )
    save_weights(snakemake.output.weights, model, provenance)
    write_table(snakemake.output.history, result.history)
    parameters = sum(p.numel() for p in model.parameters())
    summary = {**result.summary(), "parameters": parameters, "provenance": provenance}
    write_json(snakemake.output.summary, summary)
    shutil.rmtree(checkpoint.parent, ignore_errors=True)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
