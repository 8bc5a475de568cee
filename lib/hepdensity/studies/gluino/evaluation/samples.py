"""Convert the columns of models to events: samples, and test events to compare them with."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from hepdensity.evaluation.samples import read_samples
from hepdensity.models.inputs import read_array, read_layout
from hepdensity.models.layout import Layout
from hepdensity.physics.colour_order import positions_to_order
from hepdensity.physics.events import N_INCOMING, Events, SampleYield
from hepdensity.physics.phase_space import angles_to_momenta
from hepdensity.physics.processes import PROCESSES


def sampled_events(path: str | Path) -> Events:
    """Read samples at physical points as events, with labels if they have them.

    Args:
        path: File of samples of four-gluino or of two-gluino events.

    Returns:
        Events of source "model"; `drawn` and `invalid` count the samples that were dropped.

    Raises:
        ValueError: If the file contains no samples, or samples of several processes.
    """
    samples = read_samples(path)
    try:
        arrays = event_arrays(samples.events, samples.layout)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    constants = samples.layout.constants
    return Events(
        **arrays,
        sqrt_s=constants["sqrt_s"],
        mass=constants["gluino_mass"],
        source="model",
        drawn=samples.drawn,
        invalid=samples.invalid,
    )


def sample_yield(path: str | Path) -> SampleYield:
    """Numbers of valid, unphysical and invalid samples in a file."""
    return sampled_events(path).sample_yield


def held_out(inputs: str | Path, process: str) -> Events:
    """Test events of a process.

    Args:
        inputs: Inputs file of any dataset.
        process: A key of `hepdensity.physics.processes.PROCESSES`.
    """
    layout, rows = read_layout(inputs), read_array(inputs, "test")
    complete = ~np.isnan(rows).any(axis=1)
    arrays = event_arrays(rows[complete == (process == "four_gluino")], layout)
    constants = layout.constants
    return Events(
        **arrays,
        sqrt_s=constants["sqrt_s"],
        mass=constants["gluino_mass"],
        source="lhe",
    )


def event_arrays(rows: np.ndarray, layout: Layout) -> dict[str, Any]:
    """Momenta and labels of events at physical points.

    Args:
        rows: Events of one process in the columns of the layout, shape (n, d).
        layout: One of `hepdensity.studies.gluino.layouts`.

    Raises:
        ValueError: If the events have different numbers of gluinos, or neither two nor four.
    """
    angles = torch.from_numpy(rows[:, : layout.continuous]).double()
    present = ~angles.isnan()
    columns = int(present[0].sum()) if len(rows) else layout.continuous
    known = {layout.continuous: "four_gluino", 2: "two_gluino"}
    if not (present == (torch.arange(layout.continuous) < columns)).all() or columns not in known:
        raise ValueError("the events have different numbers of gluinos; draw them for one process")
    constants = layout.constants
    momenta, physical = angles_to_momenta(
        angles[:, :columns], constants["sqrt_s"], constants["gluino_mass"]
    )
    assert momenta.shape[1] == PROCESSES[known[columns]]
    arrays = {"momenta": momenta[physical].numpy()}
    if layout.categorical:
        arrays |= _labels(rows[physical.numpy(), layout.continuous :])
    return arrays


def _labels(columns: np.ndarray) -> dict[str, np.ndarray]:
    """Helicities (+1 or -1) and colour orders from the categorical columns."""
    values = np.rint(columns).astype(np.int64)
    # Helicity and position alternate, gluino by gluino. The slices also work without events.
    of_gluinos = values[:, N_INCOMING + 1 :]
    helicities = np.concatenate((values[:, :N_INCOMING], of_gluinos[:, ::2]), axis=1)
    positions = np.concatenate(
        (values[:, N_INCOMING : N_INCOMING + 1], of_gluinos[:, 1::2]), axis=1
    )
    return {"helicities": 2 * helicities - 1, "colour_order": positions_to_order(positions)}
