"""Run a user's command and take the event file that it makes."""

from typing import Any

from hepdensity.files import write_json
from hepdensity.ingest.external import run_command
from hepdensity.logs import configure
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Run the command of one sample; the ingestion then checks the file event by event."""
    configure(snakemake.log[0])
    external = snakemake.params.external
    run_command(external["command"], snakemake.output.file, external["makes"])
    provenance = record(external, None, snakemake.params.source)
    write_json(snakemake.output.record, {"provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
