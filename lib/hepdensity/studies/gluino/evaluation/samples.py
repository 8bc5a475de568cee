"""Samples of a trained model as physical events."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from torch import Tensor

from hepdensity.ingest.event_file import count_events
from hepdensity.physics.colour_order import positions_to_order
from hepdensity.physics.events import PROCESSES, Events, SampleYield
from hepdensity.physics.phase_space import angles_to_momenta
from hepdensity.studies.gluino.models.labels import unpack

# On a GPU the number of launches counts, on a CPU the cache.
_CHUNK = {"cpu": 8_192, "cuda": 262_144}


def sample_events(
    draw: Callable[[int], Tensor],
    count: int,
    sqrt_s: float,
    mass: float,
    device: str,
    advance: Callable[[int], object] = lambda n: None,
) -> Events:
    """Draw from a model and restore the massive momenta, in double precision.

    Args:
        draw: draws that many times, and gives what is valid: angles of four or two gluinos, or
            events in the columns of
            ``layouts.labels``.
        count: number of samples to draw.
        sqrt_s: centre-of-mass energy [GeV].
        mass: gluino mass [GeV].
        device: type of device that samples are drawn on.
        advance: called with the number of samples after each chunk.

    Returns:
        The events at physical points, with labels if they have them; ``drawn`` is ``count``, with
        what is unphysical or ``invalid``.
    """
    parts: list[dict[str, np.ndarray]] = []
    valid = 0
    for start in range(0, count, _CHUNK[device]):
        tried = min(_CHUNK[device], count - start)
        batch = draw(tried)
        valid += len(batch)
        parts.append(_physical_parts(batch, sqrt_s, mass))
        advance(tried)
    arrays: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    return Events(
        **arrays, sqrt_s=sqrt_s, mass=mass, source="model", drawn=count, invalid=count - valid
    )


def _physical_parts(batch: Tensor, sqrt_s: float, mass: float) -> dict[str, np.ndarray]:
    """Momenta and labels of the samples at physical points."""
    labelled = batch.shape[1] > 2 * PROCESSES["four_gluino"]
    angles, *labels = unpack(batch) if labelled else (batch,)
    momenta, physical = angles_to_momenta(angles.double(), sqrt_s, mass)
    parts = {"momenta": momenta[physical].cpu().numpy()}
    if labelled:
        helicities, positions = (label[physical].cpu().numpy() for label in labels)
        parts |= {"helicities": helicities, "colour_order": positions_to_order(positions)}
    return parts


def sample_yield(path: str | Path) -> SampleYield:
    """What became of the samples in a file of ``generate_samples``.

    Raises:
        ValueError: if the events are not samples of a model.
    """
    with h5py.File(path, "r") as file:
        drawn, invalid = (file.attrs.get(name) for name in ("drawn", "invalid"))
    if drawn is None:
        raise ValueError(f"{path}: not samples of a model; write it with generate_samples")
    return SampleYield(int(drawn), count_events(path), int(invalid or 0))
