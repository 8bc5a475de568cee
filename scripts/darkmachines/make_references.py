"""Score the events of a channel with references: cuts, classifiers and other methods."""

from typing import Any

from hepdensity.evaluation.scores import write_scores
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.evaluation.reference_scores import (
    ReferenceSettings,
    reference_scores,
)


def main(snakemake: Any) -> None:
    """Make the references of a channel."""
    configure(snakemake.log[0])
    params = snakemake.params
    settings = ReferenceSettings.from_dict(params.referencing["references"])
    scores = reference_scores(snakemake.input.inputs, params.referencing["signals"], settings)
    provenance = record(params.referencing, settings.seed, params.source)
    write_scores(snakemake.output.scores, scores, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
