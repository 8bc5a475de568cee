"""Mix two- and four-gluino events into model inputs."""

import logging
from typing import Any

from hepdensity.logs import configure
from hepdensity.preprocessing.multiplicity import prepare_mixed_inputs
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Write the inputs file."""
    configure(snakemake.log[0])
    split, files = snakemake.params.split, snakemake.input
    sizes = prepare_mixed_inputs(
        {process: files[process] for process in ("four_gluino", "two_gluino")},
        snakemake.output.inputs,
        test=split["test"],
        validation=split["validation"],
        train=split["train"],
        four_per_two=split["four_per_two"],
        provenance=record(split, None, snakemake.params.source),
    )
    logging.getLogger(__name__).info("Events of each part: %s", sizes)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
