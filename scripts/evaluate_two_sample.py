"""Train a classifier on the samples of a model against test events."""

from pathlib import Path
from typing import Any

import torch

from hepdensity.evaluation.two_sample import result_row, two_sample_test
from hepdensity.files import write_json
from hepdensity.ingest.event_file import read_events
from hepdensity.logs import configure
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import angles_to_momenta
from hepdensity.provenance import record
from hepdensity.studies.gluino.evaluation.multiplicity import ANGLES, members
from hepdensity.studies.gluino.preprocessing.inputs import read_angles, read_header, read_labels


def main(snakemake: Any) -> None:
    """Test the samples of each process by themselves."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.two_sample
    results = []
    for path in snakemake.input.samples:
        samples = read_events(path)
        reference = held_out(snakemake.input.inputs, samples.process, settings["data"])
        result = two_sample_test(reference, samples, settings["seed"])
        results.append(result_row(samples, result))
    provenance = record({"run": params.run, **settings}, settings["seed"], params.source)
    write_json(snakemake.output.result, {"results": results, "provenance": provenance})


def held_out(inputs: str | Path, process: str, data: str) -> Events:
    """Test events of a process."""
    header, angles = read_header(inputs), torch.from_numpy(read_angles(inputs, "test"))
    if data == "multiplicity":
        columns = ANGLES[process]
        of_process = members(angles.numpy())[process]
        angles = angles[of_process, :columns]
    momenta, physical = angles_to_momenta(angles, header.sqrt_s, header.mass)
    labels = {}
    if data == "labels":
        names = ("helicities", "colour_order")
        values = read_labels(inputs, "test")
        labels = {name: value[physical] for name, value in zip(names, values, strict=True)}
    arrays = {"momenta": momenta[physical].numpy(), **labels}
    return Events(**arrays, sqrt_s=header.sqrt_s, mass=header.mass, source=header.source)


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
