"""Response and resolution of jets against jets of the generated particles, and b-tag rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hepdensity.generate.pythia import PythiaRun
from hepdensity.physics.detector.card import Card
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.detector.reconstruction import Jets
from hepdensity.physics.detector.species import INVISIBLE, MUON, species_of
from hepdensity.physics.jagged import owners, subset
from hepdensity.physics.jets import anti_kt
from hepdensity.physics.particles import Particles
from hepdensity.studies.darkmachines.evaluation.closure import (
    FEWEST,
    Row,
    bins,
    half_width,
    rate,
)

ETA_EDGES = (0.0, 0.8, 1.7, 2.8)
"""Bins of |eta|; the resolution of the hadronic calorimeter changes at 1.7."""

TAG_ETA = 2.5
"""Largest |eta| of the jets whose b-tag rates are taken."""

LEAST_PT = 25.0
"""Smallest true pT [GeV]: below it, the threshold of the detector's jets biases the response."""

MATCHED = 0.2
"""Largest distance in (eta, phi) between a jet and the jet of generated particles it belongs to."""

FLAVOURS = {"b jet": (5,), "c jet": (4,), "light jet": (1, 2, 3, 21)}

_SOFTEST = 10.0
_COMMON = (
    *("Beams:eCM = 13000", "PartonLevel:MPI = off", "PhaseSpace:pTHatMin = 20"),
    *("PhaseSpace:bias2Selection = on", "PhaseSpace:bias2SelectionRef = 100"),
)
PROCESSES = ("HardQCD:all = on", "HardQCD:hardbbbar = on", "HardQCD:hardccbar = on")
"""Events for jets of all flavours, spread over pT; their weights do not matter in a bin of pT."""


def dijets(events: int, seed: int) -> Iterator[Particles]:
    """Events with two jets, a third each of all flavours, of b and of c quarks.

    Args:
        events: Number of events.
        seed: Seed of the first process; the others take the next ones.
    """
    share = events // len(PROCESSES)
    for i, process in enumerate(PROCESSES):
        yield from PythiaRun((*_COMMON, process), seed + i, name=process).batches(share)


@dataclass(frozen=True)
class _Matched:
    """Jets that belong to jets of generated particles.

    Attributes:
        true_pt: pT of the jets of generated particles [GeV].
        eta: Their pseudorapidity.
        response: pT of the detector's jets over `true_pt`.
        raw_response: The same before the energy scale.
    """

    true_pt: np.ndarray
    eta: np.ndarray
    response: np.ndarray
    raw_response: np.ndarray


def jet_rows(batches: Iterable[Particles], card: Card, seed: int) -> list[Row]:
    """Response, resolution and b-tag rates of jets.

    Args:
        batches: Generated events.
        card: The detector.
        seed: Seed of the detector.

    Returns:
        Rows as in `closure.lepton_and_photon_rows`. `response` is the median of the pT over that of
        the jet of generated particles, without muons and neutrinos; `raw response` is before the
        energy scale; `resolution` is half of the width that holds 68.27 % of the response, over its
        median. Their `expected` is None. Bins of b-tag rates are of the pT after the energy scale.
    """
    matched, jets = [], []
    for i, particles in enumerate(batches):
        found = reconstruct(particles, seed + i, card).jets
        matched.append(_match(found, particles, card))
        jets.append(found)
    names = ("true_pt", "eta", "response", "raw_response")
    every = _Matched(*(np.concatenate([getattr(one, name) for one in matched]) for name in names))
    return [*_response_rows(every), *_tag_rows(jets, card)]


def _match(jets: Jets, particles: Particles, card: Card) -> _Matched:
    kind = species_of(particles.pdg_id, particles.final).kind
    seen = np.flatnonzero((kind != INVISIBLE) & (kind != MUON))
    columns = (particles.px, particles.py, particles.pz, particles.energy)
    momentum = np.stack([column[seen] for column in columns], axis=1)
    true = anti_kt(momentum, subset(particles.offsets, seen), card.jets.radius, _SOFTEST)
    x, y, z, _ = true.momentum.T
    pt = np.hypot(x, y)
    eta, phi = np.arcsinh(z / pt), np.arctan2(y, x)
    one, other = _pairs(jets.offsets, true.offsets)
    distance = np.hypot(jets.eta[one] - eta[other], _turn(jets.phi[one] - phi[other]))
    order = np.lexsort((distance, one))
    one, other, distance = one[order], other[order], distance[order]
    nearest = np.flatnonzero((np.diff(one, prepend=-1) > 0) & (distance < MATCHED))
    one, other = one[nearest], other[nearest]
    true_pt = pt[other]
    return _Matched(true_pt, eta[other], jets.pt[one] / true_pt, jets.raw_pt[one] / true_pt)


def _pairs(offsets: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of all pairs of an element and another element of the same event."""
    event = owners(offsets)
    counts = np.diff(others)[event]
    one = np.repeat(np.arange(len(event)), counts)
    first = np.cumsum(counts) - counts
    return one, others[event[one]] + np.arange(len(one)) - first[one]


def _turn(angle: np.ndarray) -> np.ndarray:
    """An angle in [-pi, pi)."""
    turned: np.ndarray = (angle + np.pi) % (2 * np.pi) - np.pi
    return turned


def _response_rows(matched: _Matched) -> list[Row]:
    rows = []
    for labels, inside in bins(matched.true_pt, matched.eta, ETA_EDGES):
        if len(inside) < FEWEST or labels["pt_low"] < LEAST_PT:
            continue
        size = {**labels, "n": len(inside)}
        median, error = _median(matched.response[inside])
        raw, raw_error = _median(matched.raw_response[inside])
        width, width_error = half_width(matched.response[inside])
        for quantity, value, uncertainty in (
            ("response", median, error),
            ("raw response", raw, raw_error),
            ("resolution", width / median, width_error / median),
        ):
            head = {"object": "jet", "quantity": quantity, **size}
            rows.append({**head, "value": value, "error": uncertainty, "expected": None})
    return rows


def _median(values: np.ndarray) -> tuple[float, float]:
    """Median and its error."""
    spread = 0.5 / np.sqrt(len(values))
    low, median, high = np.quantile(values, [max(0.5 - spread, 0), 0.5, min(0.5 + spread, 1)])
    return float(median), float((high - low) / 2)


def _tag_rows(jets: list[Jets], card: Card) -> list[Row]:
    pt, eta, tag, flavour = (
        np.concatenate([getattr(one, name) for one in jets])
        for name in ("pt", "eta", "b_tag", "flavour")
    )
    rows = []
    for name, codes in FLAVOURS.items():
        of = np.isin(flavour, codes)
        expected = card.b_tag(pt[of], flavour[of])
        for labels, inside in bins(pt[of], eta[of], (0.0, TAG_ETA)):
            if len(inside):
                measured = rate(tag[of][inside], expected[inside])
                rows.append({"object": name, "quantity": "b-tag", **labels, **measured})
    return rows
