"""Select the events of a channel and write them as models take them."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.logs import configure
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.preprocessing.inputs import Process, prepare_inputs


def main(snakemake: Any) -> None:
    """Prepare the inputs file of a dataset."""
    configure(snakemake.log[0])
    params = snakemake.params
    settings = {**params.preparation, "train": params.train}
    provenance = record(params.preparation, settings["seed"], params.source)
    processes = [Process(**given) for given in settings["processes"]]
    found = prepare_inputs(processes, snakemake.output.inputs, settings, provenance)
    write_json(snakemake.output.record, {**found, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
