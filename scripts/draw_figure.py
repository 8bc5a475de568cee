"""Draw a figure with the function named by the rule, and write its table if it has one."""

from typing import Any

from hepdensity.files import write_json, write_table
from hepdensity.logs import configure
from hepdensity.named import named_function, named_inputs
from hepdensity.plotting.style import save_figure
from hepdensity.provenance import record


def main(snakemake: Any) -> None:
    """Draw the figure, save it, and record what made it."""
    configure(snakemake.log[0])
    settings, output = snakemake.params.draw, snakemake.output
    function = named_function(settings["function"])
    figure, rows = function(named_inputs(snakemake.input), settings)
    save_figure(figure, output.pdf, output.png)
    if rows is not None:
        write_table(output.table, rows)
    provenance = record(settings, None, snakemake.params.source)
    write_json(output.record, {"provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
