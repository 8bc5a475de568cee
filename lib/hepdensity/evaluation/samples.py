"""Samples of a trained model as physical events."""

import numpy as np
from torch import Generator

from hepdensity.events import Events
from hepdensity.models.base import DensityModel
from hepdensity.physics.phase_space import angles_to_momenta

_CHUNK = 8_192


def sample_events(
    model: DensityModel, count: int, sqrt_s: float, mass: float, generator: Generator
) -> Events:
    """Draw angles from a model and restore the massive momenta, in double precision.

    Args:
        model: model of the eight angle variables of four gluinos.
        count: number of samples to draw.
        sqrt_s: centre-of-mass energy [GeV].
        mass: gluino mass [GeV].
        generator: random numbers, on the model's device.

    Returns:
        The events at physical points; ``drawn`` is ``count``, unphysical points included.
    """
    momenta = []
    for start in range(0, count, _CHUNK):
        angles = model.sample(min(_CHUNK, count - start), generator)
        restored, physical = angles_to_momenta(angles.double(), sqrt_s, mass)
        momenta.append(restored[physical].cpu().numpy())
    return Events(np.concatenate(momenta), sqrt_s=sqrt_s, mass=mass, source="model", drawn=count)


def unphysical_fraction(events: Events) -> float:
    """Fraction of the samples drawn that lie at unphysical points.

    Raises:
        ValueError: if the events are not samples of a model.
    """
    if events.drawn is None:
        raise ValueError("only samples of a model know how many were drawn")
    return 1 - len(events) / events.drawn
