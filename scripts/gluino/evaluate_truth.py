"""Compute the true log-density of the test events, the best that any model can reach."""

from typing import Any

import torch

from hepdensity.evaluation.scores import write_scores
from hepdensity.files import read_json, write_json, write_table
from hepdensity.logs import configure, progress
from hepdensity.models.inputs import read_array
from hepdensity.physics.gluino import Normalisation
from hepdensity.provenance import record
from hepdensity.studies.gluino.evaluation.truth import Labels, true_scores, truth_rows
from hepdensity.studies.gluino.inputs import read_couplings, read_header, read_labels
from hepdensity.training.device import choose_device


def main(snakemake: Any) -> None:
    """Evaluate the exact density, including a running coupling if the events have one."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    inputs, settings = snakemake.input.inputs, snakemake.params.truth
    angles = read_array(inputs, "test")
    embedded = read_header(inputs).source == "embedded"
    with progress(len(angles), "true densities") as advance:
        scores = true_scores(
            angles,
            read_couplings(inputs, "test"),
            read_couplings(inputs),
            Normalisation.from_dict(read_json(snakemake.input.normalisation)),
            choose_device(settings["device"], "devices.generation"),
            advance,
            Labels(*read_labels(inputs, "test")) if embedded else None,
        )
    provenance = record(settings, None, snakemake.params.source)
    write_scores(snakemake.output.scores, scores, provenance)
    write_table(snakemake.output.table, truth_rows(scores))
    write_json(snakemake.output.record, {"provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
