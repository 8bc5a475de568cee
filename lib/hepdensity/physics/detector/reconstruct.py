"""From generated particles to reconstructed objects: the steps of the detector in their order.

The steps and their numbers are those of Delphes (de Favereau et al. 2014, arXiv:1307.6346).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from hepdensity.physics.detector.calorimeter import (
    ECAL_STREAMS,
    HCAL_STREAMS,
    Towers,
    cells_of,
    explain,
    measure,
)
from hepdensity.physics.detector.candidates import Flow, electrons, energy_flow, muons, photons
from hepdensity.physics.detector.card import ATLAS, Card
from hepdensity.physics.detector.jets import calibrated
from hepdensity.physics.detector.overlap import (
    free_jets,
    particles_of_towers,
    towers_of_particles,
    without_taken,
)
from hepdensity.physics.detector.propagation import arrivals
from hepdensity.physics.detector.random import Randoms
from hepdensity.physics.detector.reconstruction import Jets, Leptons, Photons, Reconstruction
from hepdensity.physics.detector.species import (
    ELECTRON,
    HADRON,
    LONG_LIVED,
    PHOTON,
    Species,
    species_of,
)
from hepdensity.physics.detector.tracker import find_tracks
from hepdensity.physics.jagged import by_falling, offsets_of, owners, subset
from hepdensity.physics.jets import anti_kt
from hepdensity.physics.particles import Particles


def reconstruct(particles: Particles, seed: int, card: Card = ATLAS) -> Reconstruction:
    """Pass events through the detector and find jets, leptons, photons and missing momentum.

    What becomes of an event depends only on its particles, on the seed and on its `event_id`.

    Args:
        particles: The events.
        seed: Seed of the random numbers.
        card: The detector.
    """
    randoms = Randoms(seed, particles.event_id)
    species = species_of(particles.pdg_id, particles.final)
    eta, phi = arrivals(particles, species, card)
    tracks = find_tracks(particles, species, eta, randoms, card)
    ecal, hcal = calorimeters(particles, species, eta, phi, randoms, card)
    ecal_excess, energy = explain(ecal, tracks, tracks.energy, card.ecal)
    hcal_excess, energy = explain(hcal, tracks, energy, card.hcal)
    flow = energy_flow(
        particles.pdg_id, species, tracks, energy, ecal, ecal_excess, hcal, hcal_excess
    )
    photon, electron, muon, taken = _identified(flow, ecal, eta, randoms, card)
    momentum, offsets, place = tower_momenta(ecal, hcal)
    found = anti_kt(momentum, offsets, card.jets.radius, card.jets.min_pt)
    is_taken = np.concatenate([towers_of_particles(of, taken) for of in (ecal, hcal)])[place]
    free = free_jets(len(found.momentum), found.jet_of, is_taken)
    met, met_phi = missing_momentum(momentum, offsets, card.met_eta)
    return Reconstruction(
        jets=_jets(calibrated(found, particles, randoms, card), free),
        electrons=_leptons(flow, electron),
        muons=_leptons(flow, muon),
        photons=_photons(flow, photon),
        eflow=flow.eflow(),
        met=met,
        met_phi=met_phi,
        weight=particles.weight,
        event_id=particles.event_id,
    )


def calorimeters(
    particles: Particles,
    species: Species,
    eta: np.ndarray,
    phi: np.ndarray,
    randoms: Randoms,
    card: Card,
) -> tuple[Towers, Towers]:
    """Towers of the electromagnetic and of the hadronic calorimeter.

    Args:
        particles: The events.
        species: Kinds of the particles.
        eta: Pseudorapidity where each particle meets the calorimeters, NaN if it does not.
        phi: Azimuth there [rad].
        randoms: Random numbers.
        card: The detector.
    """
    in_ecal = np.zeros(_KINDS)
    in_ecal[[ELECTRON, PHOTON, LONG_LIVED]] = 1.0, 1.0, card.long_lived
    in_hcal = np.zeros(_KINDS)
    in_hcal[[HADRON, LONG_LIVED]] = 1.0, 1.0 - card.long_lived
    parts = (card.ecal, in_ecal, ECAL_STREAMS), (card.hcal, in_hcal, HCAL_STREAMS)
    ecal, hcal = (
        measure(
            particles.offsets,
            cells_of(eta, phi, calorimeter.grid),
            fraction[species.kind] * particles.energy,
            calorimeter,
            randoms,
            streams,
        )
        for calorimeter, fraction, streams in parts
    )
    return ecal, hcal


def tower_momenta(ecal: Towers, hcal: Towers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Momenta of the towers above threshold of both calorimeters, of each event together.

    Args:
        ecal: Towers of the electromagnetic calorimeter.
        hcal: Towers of the hadronic calorimeter.

    Returns:
        Momenta (px, py, pz, E) [GeV], shape (N, 4); their offsets, shape (n + 1,); and for each its
        place among all towers, those of `ecal` before those of `hcal`, shape (N,).
    """
    both = (ecal, hcal)
    energy = np.concatenate([of.energy for of in both])
    event = np.concatenate([owners(of.offsets) for of in both])
    place = np.flatnonzero(energy)
    place = place[np.argsort(event[place], kind="stable")]
    eta, phi = (
        np.concatenate([getattr(of, name) for of in both])[place] for name in ("eta", "phi")
    )
    pt = energy[place] / np.cosh(eta)
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy[place]], 1)
    return momentum, offsets_of(event[place], len(ecal.offsets) - 1), place


def missing_momentum(
    momentum: np.ndarray, offsets: np.ndarray, met_eta: float = math.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Missing transverse momentum: minus the sum of the momenta of the towers.

    Muons leave no energy in towers, so they count as missing.

    Args:
        momentum: Momenta (px, py, pz, E) of the towers [GeV], shape (N, 4).
        offsets: First tower of each event and N, shape (n + 1,).
        met_eta: Towers at this |eta| or beyond do not count.

    Returns:
        Its magnitude [GeV] and its azimuth in [-pi, pi] [rad], shape (n,).
    """
    event, n = owners(offsets), len(offsets) - 1
    # |eta| < met_eta without a logarithm; sinh of infinity is infinity.
    central = np.abs(momentum[:, 2]) < np.sinh(met_eta) * np.hypot(momentum[:, 0], momentum[:, 1])
    event, momentum = event[central], momentum[central]
    x, y = (0.0 - np.bincount(event, weights=momentum[:, i], minlength=n) for i in (0, 1))
    return np.hypot(x, y), np.arctan2(y, x)


_KINDS = 6


def _identified(
    flow: Flow, ecal: Towers, eta: np.ndarray, randoms: Randoms, card: Card
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Candidates that are photons, electrons and muons, and which particles belong to them."""
    photon = photons(flow, randoms, card)
    taken = particles_of_towers(ecal, flow.source[photon])
    electron = electrons(flow, eta, randoms, card)
    electron = electron[without_taken(flow.source[electron], taken)]
    muon = muons(flow, eta, randoms, card)
    muon = muon[without_taken(flow.source[muon], taken)]
    return photon, electron, muon, taken


def _jets(jets: Jets, chosen: np.ndarray) -> Jets:
    """Some of the jets, sorted by falling pT."""
    offsets = subset(jets.offsets, chosen)
    order = chosen[by_falling(jets.pt[chosen], offsets)]
    names = ("pt", "eta", "phi", "mass", "b_tag", "flavour", "raw_pt")
    return replace(jets, offsets=offsets, **{name: getattr(jets, name)[order] for name in names})


def _leptons(flow: Flow, chosen: np.ndarray) -> Leptons:
    """Electrons or muons, sorted by falling pT."""
    offsets = subset(flow.offsets, chosen)
    order = chosen[by_falling(flow.pt[chosen], offsets)]
    columns = (flow.pt, flow.eta, flow.phi, flow.charge, flow.source)
    return Leptons(offsets, *(column[order] for column in columns))


def _photons(flow: Flow, chosen: np.ndarray) -> Photons:
    """Photons, sorted by falling pT."""
    offsets = subset(flow.offsets, chosen)
    order = chosen[by_falling(flow.pt[chosen], offsets)]
    pt, eta = flow.pt[order], flow.eta[order]
    return Photons(offsets, pt, eta, flow.phi[order], pt * np.cosh(eta))
