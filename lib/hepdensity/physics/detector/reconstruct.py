"""From generated particles to reconstructed objects: the steps of the detector in their order."""

from __future__ import annotations

from hepdensity.physics.detector.card import ATLAS, Card
from hepdensity.physics.detector.reconstruction import Reconstruction
from hepdensity.physics.particles import Particles


def reconstruct(particles: Particles, seed: int, card: Card = ATLAS) -> Reconstruction:
    """Pass events through the detector and find jets, leptons, photons and missing momentum.

    What becomes of an event depends only on its particles, on the seed and on its `event_id`.

    Args:
        particles: The events.
        seed: Seed of the random numbers.
        card: The detector.
    """
    raise NotImplementedError
