"""Objects that share particles: photons win over electrons, these over muons, and jets lose."""

from __future__ import annotations

import numpy as np

from hepdensity.physics.detector.calorimeter import Towers


def particles_of_towers(towers: Towers, chosen: np.ndarray) -> np.ndarray:
    """Whether each particle of the batch gave energy to one of some towers.

    Args:
        towers: Towers of a calorimeter.
        chosen: Indices of towers.
    """
    is_chosen = np.zeros(len(towers.energy) + 1, bool)
    is_chosen[chosen] = True
    # Particles without a tower have the index -1, that of the additional entry.
    found: np.ndarray = is_chosen[towers.of_particle]
    return found


def towers_of_particles(towers: Towers, taken: np.ndarray) -> np.ndarray:
    """Whether each tower holds energy of one of some particles.

    Args:
        towers: Towers of a calorimeter.
        taken: Whether each particle of the batch is one of them.
    """
    holds = np.zeros(len(towers.energy) + 1, bool)
    holds[towers.of_particle[taken]] = True
    return holds[:-1]


def without_taken(sources: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Places of the objects whose particles are free; these particles are taken from then on.

    Args:
        sources: Particle of each object, each particle at most once.
        taken: Whether each particle of the batch is taken; changed.
    """
    free = np.flatnonzero(~taken[sources])
    taken[sources[free]] = True
    return free


def free_jets(n_jets: int, jet_of: np.ndarray, is_taken: np.ndarray) -> np.ndarray:
    """Indices of the jets without a taken constituent, rising.

    Args:
        n_jets: Number of jets.
        jet_of: Index of the jet of each constituent, or -1.
        is_taken: Whether each constituent is taken.
    """
    lost = np.zeros(n_jets + 1, bool)
    lost[jet_of[is_taken]] = True
    return np.flatnonzero(~lost[:-1])
