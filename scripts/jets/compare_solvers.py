"""Compare solvers and divergences on trained models."""

from typing import Any

import torch

from hepdensity.files import write_json, write_table
from hepdensity.logs import configure
from hepdensity.models.build import load_model
from hepdensity.models.diffusion.density import SetDensity
from hepdensity.models.inputs import read_batch, read_layout
from hepdensity.provenance import record
from hepdensity.studies.jets.evaluation.solvers import solver_rows
from hepdensity.training.seeding import stream


def main(snakemake: Any) -> None:
    """Try all choices on the first test jets, on the CPU."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.solvers
    inputs, seed = snakemake.input.inputs, settings["seed"]
    layout = read_layout(inputs)
    jets = read_batch(inputs, "test", settings["jets"]).float()
    rows = []
    for run, weights in zip(settings["runs"], snakemake.input.weights, strict=True):
        given = settings["models"][run["model"]]
        model = load_model(SetDensity, weights, given, layout, run["seed"])
        generator = stream(seed, "solvers", torch.device("cpu"))
        rows += solver_rows(model, run["model"], jets, settings, generator)
    write_table(snakemake.output.table, rows)
    provenance = record(settings, seed, params.source)
    write_json(snakemake.output.record, {"provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
