"""HepMC files of both versions for tests, written by pyhepmc."""

from pathlib import Path

import numpy as np
import pyhepmc
from particle_events import part_of

from hepdensity.physics.particles import Particles


def write_hepmc(
    path: Path,
    particles: Particles,
    version: str = "hepmc3",
    unit: pyhepmc.Units = pyhepmc.Units.GEV,
    weights: list[float] | None = None,
) -> Path:
    """Write events with two beam protons, a top quark, and the given particles in one vertex."""
    pyhepmc.Setup.print_warnings = False
    run = pyhepmc.GenRunInfo()
    if weights is not None:
        run.weight_names = [str(i) for i in range(len(weights))]
    with pyhepmc.open(path, "w", format=version) as file:
        for i in range(len(particles)):
            event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            event.run_info = run
            event.event_number = 5
            event.weights = weights or []
            event.add_vertex(_vertex_of(part_of(particles, i, i + 1)))
            event.set_units(unit, pyhepmc.Units.CM)
            file.write(event)
    pyhepmc.Setup.print_warnings = True
    return path


def _vertex_of(event: Particles) -> pyhepmc.GenVertex:
    vertex = pyhepmc.GenVertex((0, 0, 0, 0))
    for z in (6500.0, -6500.0):
        vertex.add_particle_in(pyhepmc.GenParticle((0, 0, z, 6500.0), 2212, 4))
    vertex.add_particle_out(pyhepmc.GenParticle((10, 20, 30, 200.0), 6, 22))
    momenta = np.stack([event.px, event.py, event.pz, event.energy], axis=1)
    for momentum, code, final in zip(momenta, event.pdg_id, event.final, strict=True):
        particle = pyhepmc.GenParticle(tuple(momentum), int(code), 1 if final else 23)
        vertex.add_particle_out(particle)
    return vertex
