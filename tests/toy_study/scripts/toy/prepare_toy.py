"""Draw events of the mixture and write the inputs file."""

from typing import Any

import numpy as np

from hepdensity.logs import configure
from hepdensity.models.inputs import InputsWriter
from hepdensity.provenance import record
from hepdensity.studies.toy.mixture import LAYOUT, draw


def main(snakemake: Any) -> None:
    """Write test, validation and training events, split by position."""
    configure(snakemake.log[0])
    toy = snakemake.params.toy
    events = draw(toy["events"], np.random.default_rng(toy["seed"]))
    ends = np.cumsum([toy["split"]["test"], toy["split"]["validation"]])
    groups = dict(zip(("test", "validation", "train"), np.split(events, ends), strict=True))
    provenance = record(toy, toy["seed"], snakemake.params.source)
    with InputsWriter(snakemake.output.inputs, LAYOUT, provenance) as writer:
        for name, rows in groups.items():
            writer.write(name, len(rows), 0, rows)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
