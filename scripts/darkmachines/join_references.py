"""Join the reference scores of the folds of a dataset."""

from typing import Any

from hepdensity.evaluation.scores import read_scores, write_scores
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.evaluation.joining import joined_references
from hepdensity.studies.darkmachines.evaluation.references import SEPARATOR


def main(snakemake: Any) -> None:
    """Join the references of all folds."""
    configure(snakemake.log[0])
    scores = joined_references([read_scores(path) for path in snakemake.input.folds], SEPARATOR)
    provenance = record({}, None, snakemake.params.source)
    write_scores(snakemake.output.scores, scores, provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
