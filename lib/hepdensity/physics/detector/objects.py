"""Reconstructed events in the form that all readers of events give."""

from __future__ import annotations

from collections import Counter

import numpy as np

from hepdensity.physics.detector.reconstruction import Leptons, Photons, Reconstruction
from hepdensity.physics.objects import (
    ANTIMUON,
    B_JET,
    ELECTRON,
    JET,
    MUON,
    PHOTON,
    POSITRON,
    ObjectEvents,
)
from hepdensity.physics.selection import Collection, Headers, Selection, gather_objects


def objects_of(
    reconstruction: Reconstruction,
    process: str,
    selection: Selection | None = None,
    removed: Counter[str] | None = None,
    usable: np.ndarray | None = None,
) -> ObjectEvents:
    """Select reconstructed objects and events.

    Args:
        reconstruction: The events.
        process: Name of their process.
        selection: Cuts on objects and events, by default those of the Dark Machines challenge.
        removed: Receives what each cut removes (see `gather_objects`).
        usable: Events to keep and count at all, bool, shape (n,); all by default.

    Returns:
        The events that pass, objects sorted by falling pT.
    """
    jets = reconstruction.jets
    momentum = jets.pt * np.cosh(jets.eta)
    collections = (
        Collection(
            "jet",
            np.diff(jets.offsets),
            np.where(jets.b_tag, B_JET, JET),
            np.hypot(momentum, jets.mass),
            jets.pt,
            jets.eta,
            jets.phi,
        ),
        _leptons("electron", reconstruction.electrons, ELECTRON, POSITRON),
        _leptons("muon", reconstruction.muons, MUON, ANTIMUON),
        _photons(reconstruction.photons),
    )
    headers = Headers(
        met=reconstruction.met,
        met_phi=reconstruction.met_phi,
        weight=reconstruction.weight,
        process=np.full(len(reconstruction), process),
        event_id=reconstruction.event_id,
    )
    counts: Counter[str] = Counter() if removed is None else removed
    return gather_objects(headers, collections, selection or Selection(), counts, usable)


def _leptons(kind: str, leptons: Leptons, negative: int, positive: int) -> Collection:
    return Collection(
        kind,
        np.diff(leptons.offsets),
        np.where(leptons.charge > 0, positive, negative),
        leptons.pt * np.cosh(leptons.eta),
        leptons.pt,
        leptons.eta,
        leptons.phi,
    )


def _photons(photons: Photons) -> Collection:
    return Collection(
        "photon",
        np.diff(photons.offsets),
        np.full(len(photons.pt), PHOTON),
        photons.energy,
        photons.pt,
        photons.eta,
        photons.phi,
    )
