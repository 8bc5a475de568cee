"""Samples of a trained model as physical events."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Generator

from hepdensity.events import Events
from hepdensity.io import count_events, read_events
from hepdensity.models.base import DensityModel
from hepdensity.physics.phase_space import angles_to_momenta

# On a GPU the number of launches counts, on a CPU the cache.
_CHUNK = {"cpu": 8_192, "cuda": 262_144}


def sample_events(
    model: DensityModel,
    count: int,
    sqrt_s: float,
    mass: float,
    generator: Generator,
    advance: Callable[[int], object] = lambda n: None,
) -> Events:
    """Draw angles from a model and restore the massive momenta, in double precision.

    Args:
        model: model of the eight angle variables of four gluinos.
        count: number of samples to draw.
        sqrt_s: centre-of-mass energy [GeV].
        mass: gluino mass [GeV].
        generator: random numbers, on the model's device.
        advance: called with the number of samples after each chunk.

    Returns:
        The events at physical points; ``drawn`` is ``count``, unphysical points included.
    """
    momenta = []
    chunk = _CHUNK[generator.device.type]
    for start in range(0, count, chunk):
        angles = model.sample(min(chunk, count - start), generator)
        restored, physical = angles_to_momenta(angles.double(), sqrt_s, mass)
        momenta.append(restored[physical].cpu().numpy())
        advance(len(angles))
    return Events(np.concatenate(momenta), sqrt_s=sqrt_s, mass=mass, source="model", drawn=count)


def drawn(path: str | Path) -> tuple[int, int]:
    """Number of samples drawn, and of those at physical points, in a file of model samples.

    Raises:
        ValueError: if the events are not samples of a model.
    """
    count = read_events(path, 0, 1).drawn
    if count is None:
        raise ValueError(f"{path}: not samples of a model; write it with generate_samples")
    return count, count_events(path)
