"""Mix two- and four-gluino events into model inputs."""

import logging
from typing import Any

from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.gluino.preprocessing.multiplicity import Tolerance, prepare_mixed_inputs


def main(snakemake: Any) -> None:
    """Write the inputs file."""
    configure(snakemake.log[0])
    params, split, files = snakemake.params, snakemake.params.split, snakemake.input
    settings = {"split": split, "tolerance": params.tolerance}
    sizes = prepare_mixed_inputs(
        {process: files[process] for process in ("four_gluino", "two_gluino")},
        snakemake.output.inputs,
        test=split["test"],
        validation=split["validation"],
        train=params.train,
        four_per_two=split["four_per_two"],
        tolerance=Tolerance(**params.tolerance),
        provenance=record(settings, None, params.source),
    )
    logging.getLogger(__name__).info("Events of each part: %s", sizes)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
