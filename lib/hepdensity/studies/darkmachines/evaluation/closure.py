"""Whether the detector does what its card says: efficiencies and resolutions in bins of pT and eta.

Leptons and photons are fired one at a time; what the formulas of the card give for the same
particles is the expectation. Jets come from generated events. Their b-tag rates have formulas too,
their response and resolution have none: they follow from the towers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr

from hepdensity.generate.gun import particle_gun
from hepdensity.physics.detector.card import Card, Efficiency
from hepdensity.physics.detector.propagation import arrivals
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.detector.species import species_of

PT_EDGES = (15.0, 25.0, 40.0, 65.0, 100.0, 150.0, 250.0, 400.0, 650.0, 1000.0)
"""Bins of pT [GeV]; the efficiency of electrons steps at 100 GeV."""

ETA_EDGES = (0.0, 0.5, 1.5, 2.5)
"""Bins of |eta|, within which the formulas of tracks are constant."""

FEWEST = 30
"""Smallest number of objects from which a resolution is taken."""

CENTRAL = 0.6827
"""Part of a distribution within one standard deviation of its mean."""

_BLOCK = 10_000
_NEVER = Efficiency((np.inf,), (0.0,), ((0.0,),))

Row = dict[str, Any]
Array = np.ndarray


@dataclass(frozen=True)
class _Fired:
    """Single particles and what the detector found.

    Attributes:
        pt: Their pT [GeV].
        eta: Pseudorapidity at the calorimeters, which the formulas take.
        found: Whether there is an object of their kind.
        log_ratio: Logarithm of measured over true energy, NaN if not found.
        efficiency: Efficiency that the card gives.
        resolution: Relative resolution of the energy that the card gives.
    """

    pt: Array
    eta: Array
    found: Array
    log_ratio: Array
    efficiency: Array
    resolution: Array


def lepton_and_photon_rows(card: Card, events: int, seed: int) -> list[Row]:
    """Efficiency and resolution of electrons, muons and photons.

    A track of an electron that is measured too low leaves energy in the tower that the track does
    not explain. This energy may spoil the isolation of the electron, or count as a photon and take
    its place. `efficiency` leaves both out, `efficiency in all` does not.

    Args:
        card: The detector.
        events: Number of particles of each kind.
        seed: Seed of the particles and of the detector.

    Returns:
        Rows `object`, `quantity`, `eta_low`, `eta_high`, `pt_low`, `pt_high` [GeV], `n` (number of
        particles or objects), `value`, `error`, `expected`. A resolution is half of the width that
        holds 68.27 % of the logarithm of measured over true energy.
    """
    isolation = replace(card.isolation, electron=np.inf)
    simple = replace(card, photon=_NEVER, isolation=isolation)
    in_all, electrons = (_fire("electron", one, events, seed) for one in (card, simple))
    rows = [
        *_efficiency_rows("electron", "efficiency", electrons),
        *_efficiency_rows("electron", "efficiency in all", in_all),
        *_resolution_rows("electron", in_all),
    ]
    for name in ("muon", "photon"):
        fired = _fire(name, card, events, seed)
        rows += [*_efficiency_rows(name, "efficiency", fired), *_resolution_rows(name, fired)]
    return rows


def _fire(name: str, card: Card, events: int, seed: int) -> _Fired:
    blocks = [
        _fire_block(name, card, min(_BLOCK, events - start), seed + start)
        for start in range(0, events, _BLOCK)
    ]
    names = ("pt", "eta", "found", "log_ratio", "efficiency", "resolution")
    return _Fired(*(np.concatenate([getattr(block, one) for block in blocks]) for one in names))


def _fire_block(name: str, card: Card, events: int, seed: int) -> _Fired:
    code, mass = {"electron": (11, 0.000511), "muon": (13, 0.10566), "photon": (22, 0.0)}[name]
    span = (PT_EDGES[0], PT_EDGES[-1])
    particles = particle_gun(code, mass, span, ETA_EDGES[-1], events, seed)
    result = reconstruct(particles, seed, card)
    objects = getattr(result, f"{name}s")
    found = np.diff(objects.offsets) > 0
    first = objects.offsets[:-1][found]
    log_ratio = np.full(events, np.nan)
    # The direction of a photon is smeared by its cell, so pT would not do.
    energy = objects.pt[first] * np.cosh(objects.eta[first])
    log_ratio[found] = np.log(energy / particles.energy[found])
    pt = np.hypot(particles.px, particles.py)
    eta, _ = arrivals(particles, species_of(particles.pdg_id, particles.final), card)
    efficiency, resolution = _formulas(name, card, pt, eta, particles.energy)
    return _Fired(pt, eta, found, log_ratio, efficiency, resolution)


def _formulas(name: str, card: Card, pt: Array, eta: Array, energy: Array) -> tuple[Array, Array]:
    """Efficiency and relative resolution of the energy from the formulas of the card."""
    calorimeter = card.ecal.resolution(energy, eta) / energy
    if name == "photon":
        return card.photon(pt, eta), calorimeter
    track = card.electron_track if name == "electron" else card.muon_track
    identified = card.electron if name == "electron" else card.muon
    efficiency = track.efficiency(pt, eta) * identified(pt, eta)
    resolution = track.resolution(pt, eta)
    if name == "electron":
        # Where neither is much better than the other, both count with their inverse variances.
        resolution = resolution * calorimeter / np.hypot(resolution, calorimeter)
    return efficiency, resolution


def bins(pt: Array, eta: Array, eta_edges: Sequence[float]) -> Iterator[tuple[Row, Array]]:
    """Bins of |eta| and pT.

    Args:
        pt: Transverse momentum of each object [GeV], shape (n,).
        eta: Pseudorapidity of each object, shape (n,).
        eta_edges: Edges of the bins of |eta|; those of pT are `PT_EDGES`.

    Yields:
        `eta_low`, `eta_high`, `pt_low` and `pt_high`, and the indices of the objects inside.
    """
    place = np.searchsorted(eta_edges, np.abs(eta)), np.searchsorted(PT_EDGES, pt)
    for i in range(1, len(eta_edges)):
        for j in range(1, len(PT_EDGES)):
            labels = {
                **{"eta_low": eta_edges[i - 1], "eta_high": eta_edges[i]},
                **{"pt_low": PT_EDGES[j - 1], "pt_high": PT_EDGES[j]},
            }
            yield labels, np.flatnonzero((place[0] == i) & (place[1] == j))


def _efficiency_rows(name: str, quantity: str, fired: _Fired) -> list[Row]:
    head = {"object": name, "quantity": quantity}
    return [
        {**head, **labels, **rate(fired.found[inside], fired.efficiency[inside])}
        for labels, inside in bins(fired.pt, fired.eta, ETA_EDGES)
        if len(inside)
    ]


def rate(passed: Array, expected: Array) -> Row:
    """Fraction of objects that passed, and the mean of their expected probabilities.

    Args:
        passed: Whether each object passed, shape (n,).
        expected: Probability that it passes, shape (n,).

    Returns:
        `n`, `value`, `error` and `expected`.
    """
    n = len(passed)
    # Half a success and half a failure more keep the error above 0.
    smoothed = (passed.sum() + 0.5) / (n + 1)
    return {
        **{"n": n, "value": float(passed.mean())},
        "error": float(np.sqrt(smoothed * (1 - smoothed) / n)),
        "expected": float(expected.mean()),
    }


def _resolution_rows(name: str, fired: _Fired) -> list[Row]:
    head = {"object": name, "quantity": "resolution"}
    rows = []
    for labels, inside in bins(fired.pt, fired.eta, ETA_EDGES):
        found = inside[fired.found[inside]]
        if len(found) >= FEWEST:
            value, error = half_width(fired.log_ratio[found])
            expected = expected_half_width(fired.resolution[found])
            measured = {"n": len(found), "value": value, "error": error, "expected": expected}
            rows.append({**head, **labels, **measured})
    return rows


def half_width(values: Array) -> tuple[float, float]:
    """Half of the width that holds 68.27 % of a distribution, and its error.

    Args:
        values: Sample of the distribution, shape (n,).
    """
    tail = (1 - CENTRAL) / 2
    spread = np.sqrt(tail * (1 - tail) / len(values))
    points = np.array([[tail], [1 - tail]]) + spread * np.array([-1, 0, 1])
    quantiles = np.quantile(values, np.clip(points, 0, 1))
    errors = (quantiles[:, 2] - quantiles[:, 0]) / 2
    # Covariance of two quantiles: p (1 - q) for p < q, over their densities.
    covariance = tail / (1 - tail) * errors[0] * errors[1]
    error = np.sqrt((errors**2).sum() - 2 * covariance) / 2
    return float((quantiles[1, 1] - quantiles[0, 1]) / 2), float(error)


def expected_half_width(resolution: Array) -> float:
    """The same for the logarithms of log-normal numbers of different relative resolutions.

    Args:
        resolution: Relative standard deviation of each number, shape (n,).
    """
    b = np.sqrt(np.log1p(resolution**2))
    tail = (1 - CENTRAL) / 2

    return (_quantile(b, 1 - tail) - _quantile(b, tail)) / 2


def _quantile(b: Array, probability: float) -> float:
    """Quantile of normal numbers with means -b^2 / 2 and deviations b together, by bisection."""
    low, high = -6 * b.max(), 6 * b.max()
    for _ in range(50):
        middle = (low + high) / 2
        below = ndtr((middle + b**2 / 2) / b).mean()
        low, high = (middle, high) if below < probability else (low, middle)
    return float(low + high) / 2
