"""Write the jets of a dataset as models take them."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.jets.preprocessing.inputs import prepare_inputs


def main(snakemake: Any) -> None:
    """Prepare the inputs file of a dataset."""
    configure(snakemake.log[0])
    params = snakemake.params
    provenance = record(params.preparation, None, params.source)
    settings = {**params.preparation, "train": params.train}
    files = dict(zip(params.preparation["processes"], snakemake.input.jets, strict=True))
    found = prepare_inputs(files, snakemake.output.inputs, settings, provenance)
    write_json(snakemake.output.record, {**found, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
