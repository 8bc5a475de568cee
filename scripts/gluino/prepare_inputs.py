"""Turn four-gluino events into model inputs, split into test, validation and training groups."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.gluino.preprocessing.angles import prepare_inputs


def main(snakemake: Any) -> None:
    """Write the inputs file, and a record with the number of events in each group."""
    configure(snakemake.log[0])
    split = snakemake.params.preparation["split"]
    provenance = record(snakemake.params.preparation, None, snakemake.params.source)
    sizes = prepare_inputs(
        snakemake.input.events,
        snakemake.output.inputs,
        snakemake.wildcards.dataset,
        test=split["test"],
        validation=split["validation"],
        provenance=provenance,
        train=snakemake.params.train,
    )
    write_json(snakemake.output.record, {"rows": sizes, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
