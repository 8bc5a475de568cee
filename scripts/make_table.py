"""Make a table with the function named by the rule."""

from typing import Any

from hepdensity.files import write_json, write_table
from hepdensity.logs import configure
from hepdensity.named import named_function, named_inputs
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Make the rows, write them, and record what made them."""
    configure(snakemake.log[0])
    settings, output = snakemake.params.table, snakemake.output
    function = named_function(settings["function"])
    write_table(output.table, function(named_inputs(snakemake.input), settings))
    provenance = record(settings, None, snakemake.params.source)
    write_json(output.record, {"provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
