"""Mix two- and four-gluino events into model inputs."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.ingest.validation import Tolerance
from hepdensity.logs import configure
from hepdensity.physics.processes import PROCESSES
from hepdensity.provenance import record
from hepdensity.studies.gluino.preprocessing.multiplicity import prepare_mixed_inputs


def main(snakemake: Any) -> None:
    """Write the inputs file, and a record with the number of events in each group."""
    configure(snakemake.log[0])
    settings, files = snakemake.params.preparation, snakemake.input
    provenance = record(settings, None, snakemake.params.source)
    sizes = prepare_mixed_inputs(
        {process: files[process] for process in PROCESSES},
        snakemake.output.inputs,
        test=settings["split"]["test"],
        validation=settings["split"]["validation"],
        train=snakemake.params.train,
        four_per_two=settings["four_per_two"],
        p_four=settings["p_four"],
        tolerance=Tolerance(**settings["tolerance"]),
        provenance=provenance,
    )
    write_json(snakemake.output.record, {"rows": sizes, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
