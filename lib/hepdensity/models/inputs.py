"""Events of inputs files in the columns that models take."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hepdensity.models.layers.labels import pack
from hepdensity.physics.colour_order import order_to_positions
from hepdensity.studies.gluino.preprocessing.inputs import (
    read_angles,
    read_four_per_two,
    read_header,
    read_labels,
)


def with_mass(block: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """A model's block with the gluino mass of the events, for kinds that know it.

    Args:
        block: block of ``config.yaml``; a mass that it gives is kept.
        path: inputs file.
    """
    if block["kind"] != "phase-space-labels":
        return dict(block)
    header = read_header(path)
    return {"mass": header.mass / header.sqrt_s, **block}


def read_batch(
    path: str | Path,
    part: str,
    data: str,
    count: int | None = None,
    precision: torch.dtype = torch.float32,
) -> Tensor:
    """Read events for training or evaluation.

    Args:
        path: inputs file.
        part: "train", "validation" or "test".
        data: "angles", "labels" (helicities and colour positions too) or "multiplicity" (angles, of
            which those of absent gluinos are NaN).
        count: number of events wanted, the first ones; all if None. Of a mixed sample, those of
            four gluinos, and as many of two as belong to them.
        precision: of the tensor; files hold double precision.

    Returns:
        Angles, shape ``(count, 8)``, or with labels (``layers.labels``), shape ``(count, 19)``.

    Raises:
        ValueError: if there are fewer events, or labels are wanted of events that have none.
    """
    if data == "multiplicity" and count is not None:
        count += count // read_four_per_two(path)
    angles = torch.from_numpy(read_angles(path, part, count)).to(precision)
    if data != "labels":
        return angles
    helicities, colour_order = read_labels(path, part, count)
    positions = order_to_positions(colour_order)
    return pack(angles, torch.from_numpy(helicities), torch.from_numpy(positions))
