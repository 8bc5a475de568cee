"""Generated particles of a batch of events, as a detector or a jet algorithm takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Particles:
    """Particles of n events in flat arrays; those of event i are `offsets[i]:offsets[i + 1]`.

    Attributes:
        offsets: First particle of each event and the total number N, int64, shape (n + 1,).
        pdg_id: Particle Data Group code, int32, shape (N,).
        px: Momentum along x [GeV], float64, shape (N,).
        py: Momentum along y [GeV], likewise.
        pz: Momentum along z [GeV], likewise.
        energy: Energy [GeV], likewise.
        final: True for stable particles, which enter the detector; False for partons, which only
            give jets their flavour; bool, shape (N,).
        weight: Weight of each event, float64, shape (n,).
        event_id: Number of each event in its source, int64, shape (n,).
    """

    offsets: np.ndarray
    pdg_id: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    energy: np.ndarray
    final: np.ndarray
    weight: np.ndarray
    event_id: np.ndarray

    def __len__(self) -> int:
        """Number of events."""
        return len(self.offsets) - 1

    @property
    def event(self) -> np.ndarray:
        """Place in the batch of the event of each particle, int64, shape (N,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))
