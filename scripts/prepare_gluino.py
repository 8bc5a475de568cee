"""Turn four-gluino events into model inputs: angles, split into test, validation and training."""

import logging
from typing import Any

from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.gluino.preprocessing.angles import prepare_inputs


def main(snakemake: Any) -> None:
    """Write the inputs file."""
    configure(snakemake.log[0])
    split = snakemake.params.split
    sizes = prepare_inputs(
        snakemake.input.events,
        snakemake.output.inputs,
        test=split["test"],
        validation=split["validation"],
        provenance=record(split, None, snakemake.params.source),
        train=snakemake.params.train,
    )
    logging.getLogger(__name__).info("Events of each part: %s", sizes)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
