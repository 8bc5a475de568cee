"""Write samples of a trained density as models take them."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.jets.preprocessing.known import prepare_known


def main(snakemake: Any) -> None:
    """Prepare the inputs file of a dataset with a known density."""
    configure(snakemake.log[0])
    params = snakemake.params
    provenance = record(params.preparation, None, params.source)
    settings = {**params.preparation, "train": params.train}
    others = dict(zip(params.others, snakemake.input.others, strict=True))
    found = prepare_known(
        snakemake.input.samples, others, snakemake.output.inputs, settings, provenance
    )
    write_json(snakemake.output.record, {**found, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
