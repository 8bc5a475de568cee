"""Train a model on the first events of the training group of a dataset."""

import shutil
from pathlib import Path
from typing import Any

import torch

from hepdensity.checkpoint import fingerprint, save_weights
from hepdensity.files import write_json, write_table
from hepdensity.logs import configure, progress
from hepdensity.models.build import build
from hepdensity.models.inputs import read_batch, read_layout
from hepdensity.provenance import record
from hepdensity.training.loop import follow, train
from hepdensity.training.settings import TrainingSettings
from hepdensity.walltime import walltime_of


def main(snakemake: Any) -> None:
    """Train until a stop rule or budget ends it; resume an interrupted training."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    walltime = walltime_of(snakemake.resources)
    params, run, inputs = snakemake.params, snakemake.params.run, snakemake.input.inputs
    settings, layout = TrainingSettings.from_config(params.training), read_layout(inputs)
    blocks = {"model": params.model, "layout": layout.to_json(), "training": params.training}
    provenance = record({**blocks, "run": run}, run["seed"], params.source)
    training, validation = (
        read_batch(inputs, group, count).float()
        for group, count in (("train", run["rows"]), ("validation", None))
    )
    model = build(params.model["builder"], layout, run["seed"], params.model["settings"])
    model.prepare(training)
    identity = fingerprint([provenance["settings"], params.source], training, validation)
    # Not an output of the rule, because Snakemake deletes outputs before a job starts.
    checkpoint = Path(snakemake.output.weights).parent / "checkpoint" / "training.safetensors"
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
            walltime=walltime,
        )
    save_weights(snakemake.output.weights, model, provenance)
    write_table(snakemake.output.history, result.history)
    parameters = sum(p.numel() for p in model.parameters())
    summary = {**result.summary(), "parameters": parameters, "provenance": provenance}
    write_json(snakemake.output.summary, summary)
    shutil.rmtree(checkpoint.parent, ignore_errors=True)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
