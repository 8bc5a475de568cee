"""Events of one particle each, to see what a detector makes of it."""

from __future__ import annotations

import numpy as np

from hepdensity.physics.particles import Particles


def particle_gun(
    code: int,
    mass: float,
    pt: tuple[float, float],
    eta: float,
    events: int,
    seed: int,
) -> Particles:
    """Single particles, uniform in log pT, in eta and in azimuth.

    Args:
        code: Particle Data Group code.
        mass: Mass [GeV].
        pt: Smallest and largest transverse momentum [GeV].
        eta: Largest absolute pseudorapidity.
        events: Number of events.
        seed: Seed.
    """
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(np.log(pt[0]), np.log(pt[1]), events))
    slope = np.sinh(rng.uniform(-eta, eta, events))
    phi = rng.uniform(-np.pi, np.pi, events)
    return Particles(
        offsets=np.arange(events + 1),
        pdg_id=np.full(events, code, np.int32),
        px=size * np.cos(phi),
        py=size * np.sin(phi),
        pz=size * slope,
        energy=np.hypot(size * np.sqrt(1 + slope**2), mass),
        final=np.ones(events, bool),
        weight=np.ones(events),
        event_id=np.arange(events),
    )
