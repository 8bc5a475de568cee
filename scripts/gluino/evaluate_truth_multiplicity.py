"""Compute the true log-density of test events, given their number of gluinos."""

from typing import Any

import numpy as np
import torch

from hepdensity.evaluation.scores import write_scores
from hepdensity.files import read_json, write_json, write_table
from hepdensity.logs import configure, progress
from hepdensity.models.inputs import read_array
from hepdensity.physics.gluino import Normalisation
from hepdensity.physics.processes import PROCESSES
from hepdensity.provenance import record
from hepdensity.studies.gluino.evaluation.multiplicity import (
    conditional_true_scores,
    multiplicity_truth_rows,
)
from hepdensity.studies.gluino.inputs import GROUPS, read_couplings
from hepdensity.training.device import choose_device


def main(snakemake: Any) -> None:
    """Evaluate the exact densities, including a running coupling if the events have one."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    files, settings = snakemake.input, snakemake.params.truth
    angles = read_array(files.inputs, "test")
    normalisations = {
        process: Normalisation.from_dict(read_json(files[f"normalisation_{process}"]))
        for process in PROCESSES
    }
    with progress(len(angles), "true densities") as advance:
        scores = conditional_true_scores(
            angles,
            read_couplings(files.inputs, "test"),
            np.concatenate([read_array(files.inputs, group) for group in GROUPS]),
            read_couplings(files.inputs),
            normalisations,
            choose_device(settings["device"], "devices.generation"),
            advance,
        )
    provenance = record(settings, None, snakemake.params.source)
    write_scores(snakemake.output.scores, scores, provenance)
    write_table(snakemake.output.table, multiplicity_truth_rows(scores, angles))
    write_json(snakemake.output.record, {"provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
