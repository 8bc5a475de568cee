"""Join the scores of the folds of a dataset, so that its whole background is scored."""

from typing import Any

from hepdensity.evaluation.scores import read_scores, write_group_scores
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.evaluation.joining import joined_groups


def main(snakemake: Any) -> None:
    """Join the score files of the trainings on all folds."""
    configure(snakemake.log[0])
    params = snakemake.params
    folds = [
        {group: read_scores(path, group) for group in params.joining["groups"]}
        for path in snakemake.input.folds
    ]
    provenance = record(params.joining, None, params.source)
    write_group_scores(snakemake.output.scores, joined_groups(folds), provenance)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
