"""Train a classifier to distinguish samples of a model from test events."""

from typing import Any

import torch

from hepdensity.files import write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.gluino.evaluation.samples import held_out, sampled_events
from hepdensity.studies.gluino.evaluation.two_sample import result_row, two_sample_test


def main(snakemake: Any) -> None:
    """Test the samples of each process separately."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    settings, results = snakemake.params.two_sample, []
    for path in snakemake.input.samples:
        samples = sampled_events(path)
        reference = held_out(snakemake.input.inputs, samples.process)
        result = two_sample_test(reference, samples, settings["seed"])
        results.append(result_row(samples, result))
    provenance = record(settings, settings["seed"], snakemake.params.source)
    write_json(snakemake.output.result, {"results": results, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
