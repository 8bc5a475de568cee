"""Tests of whether two sets of events, weighted or not, follow the same distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
from scipy import stats

from hepdensity.physics.colour_order import lehmer_code
from hepdensity.physics.events import N_INCOMING, Events, invariant_mass, pair_masses
from hepdensity.physics.helicity import helicity_code

BINS = 40
"""Number of equally populated bins in the chi2 test."""

SPECTRA: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "energy": lambda momenta: momenta[:, 0, 0],
    "digluino mass": lambda momenta: invariant_mass(momenta[:, 0] + momenta[:, 1]),
    "smallest digluino mass": lambda momenta: pair_masses(momenta).min(1),
    "cos theta": lambda momenta: momenta[:, 0, 3] / np.linalg.norm(momenta[:, 0, 1:], axis=1),
}
"""Observables of momenta (n, n_out, 4), one number per event so that entries are independent.

The smallest mass is most sensitive to MadGraph's running coupling, whose scale is from clustering.
"""


@dataclass(frozen=True)
class Comparison:
    """Agreement of one observable in two sets of events.

    Attributes:
        observable: Name of the observable.
        chi2: Chi2 of the normalised histograms.
        degrees: Degrees of freedom.
        chi2_p: Probability of a larger chi2.
        ks: Largest distance of the cumulative distributions, or None for discrete observables.
        ks_p: Probability of a larger distance, or None for discrete observables.
    """

    observable: str
    chi2: float
    degrees: int
    chi2_p: float
    ks: float | None = None
    ks_p: float | None = None


def compare_events(first: Events, second: Events) -> list[Comparison]:
    """Compare energy and angle of a gluino, masses of pairs, and the helicity configurations.

    Gluinos must be in random order in both sets (see `relabel`). For two gluinos, only the angle
    can vary.

    Args:
        first: Events with helicities; their weights are used if there are any.
        second: Events of the same process.
    """
    names = SPECTRA if first.n_out > 2 else ["cos theta"]
    weights = (_weights(first), _weights(second))
    rows = []
    for name in names:
        values = [SPECTRA[name](events.momenta) for events in (first, second)]
        rows.append(compare_spectra(name, values[0], weights[0], values[1], weights[1]))
    codes = [_helicity_codes(events) for events in (first, second)]
    rows.append(compare_categories("helicities", codes[0], weights[0], codes[1], weights[1]))
    return rows


def compare_spectra(
    name: str,
    first: np.ndarray,
    first_weights: np.ndarray,
    second: np.ndarray,
    second_weights: np.ndarray,
) -> Comparison:
    """Chi2 in equally populated bins and Kolmogorov-Smirnov test of two sets of weighted values.

    Args:
        name: Name of the observable.
        first: Values (n,).
        first_weights: Weights (n,).
        second: Values (m,).
        second_weights: Weights (m,).
    """
    edges = np.quantile(np.concatenate((first, second)), np.linspace(0, 1, BINS + 1)[1:-1])
    binned = compare_categories(
        name,
        np.searchsorted(edges, first),
        first_weights,
        np.searchsorted(edges, second),
        second_weights,
    )
    distance = _ks_distance(first, first_weights, second, second_weights)
    sizes = [
        weights.sum() ** 2 / np.square(weights).sum() for weights in (first_weights, second_weights)
    ]
    scale = math.sqrt(sizes[0] * sizes[1] / (sizes[0] + sizes[1]))
    return replace(binned, ks=distance, ks_p=float(stats.kstwobign.sf(distance * scale)))


def compare_categories(
    name: str,
    first: np.ndarray,
    first_weights: np.ndarray,
    second: np.ndarray,
    second_weights: np.ndarray,
) -> Comparison:
    """Chi2 of the normalised, weighted counts of categories 0, 1, 2, ...

    Args:
        name: Name of the observable.
        first: Categories (n,), non-negative integers.
        first_weights: Weights (n,).
        second: Categories (m,).
        second_weights: Weights (m,).
    """
    size = int(max(first.max(), second.max())) + 1
    fractions, variances = zip(
        *(
            _fractions(values, weights, size)
            for values, weights in ((first, first_weights), (second, second_weights))
        ),
        strict=True,
    )
    variance = variances[0] + variances[1]
    filled = variance > 0
    chi2 = float((np.square(fractions[0] - fractions[1])[filled] / variance[filled]).sum())
    degrees = int(filled.sum()) - 1
    return Comparison(name, chi2, degrees, float(stats.chi2.sf(chi2, degrees)))


def compare_colours(first: Events, second: Events) -> Comparison:
    """Compare the colour orders of two sets of events with gluinos in random order.

    Args:
        first: Events with colour orders; their weights are used if there are any.
        second: Events of the same process.
    """
    codes = [_colour_codes(events) for events in (first, second)]
    return compare_categories("colours", codes[0], _weights(first), codes[1], _weights(second))


def second_gluon_places(events: Events) -> tuple[np.ndarray, np.ndarray]:
    """Fractions of the positions of the second gluon in the colour trace, after the first gluon.

    Up to exchanges of the gluinos, this position is all that distinguishes colour orders.

    Args:
        events: Events with colour orders; their weights are used if there are any.

    Returns:
        Fraction of each position, (1 + n_out,), and the standard errors.
    """
    if events.colour_order is None:
        raise ValueError("events without colour orders cannot be compared in colours")
    places, weights = (events.colour_order == 1).argmax(axis=1) - 1, _weights(events)
    fractions = np.bincount(places, weights, events.n_legs - 1) / weights.sum()
    deviations = np.eye(events.n_legs - 1)[places] - fractions
    variance = np.square(weights[:, None] * deviations).sum(0) / weights.sum() ** 2
    return fractions, np.sqrt(variance)


def relabel(events: Events, generator: np.random.Generator) -> Events:
    """Put the gluinos of every event, with their momenta and labels, in random order.

    Args:
        events: The events.
        generator: Source of random numbers.
    """
    order = generator.permuted(np.tile(np.arange(events.n_out), (len(events), 1)), axis=1)
    rows = np.arange(len(events))[:, None]
    incoming = np.tile(np.arange(N_INCOMING), (len(events), 1))
    legs = np.concatenate((incoming, order + N_INCOMING), axis=1)
    helicities, colour_order = events.helicities, events.colour_order
    if helicities is not None:
        helicities = helicities[rows, legs]
    if colour_order is not None:
        # Leg k of the new event is leg legs[k] of the old one.
        colour_order = np.argsort(legs, axis=1)[rows, colour_order]
    momenta = events.momenta[rows, order]
    return replace(events, momenta=momenta, helicities=helicities, colour_order=colour_order)


def read_madgraph_sample(
    path: str | Path, sqrt_s: float, mass: float, stop: int | None = None
) -> Events:
    """Read unweighted MadGraph events that are stored as three-momenta.

    Args:
        path: HDF5 file with the datasets three_momenta [GeV], helicities, colour_order and alpha_s.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        stop: Number of events to read; all by default.
    """
    with h5py.File(path) as file:
        vectors = file["three_momenta"][:stop].astype(np.float64)
        names = ("helicities", "colour_order", "alpha_s")
        helicities, colour_order, alpha_s = (file[name][:stop] for name in names)
    energy = np.sqrt(np.square(vectors).sum(-1, keepdims=True) + mass**2)
    return Events(
        momenta=np.concatenate((energy, vectors), axis=-1),
        sqrt_s=sqrt_s,
        mass=mass,
        source="lhe",
        helicities=helicities,
        colour_order=colour_order,
        alpha_s=alpha_s.astype(np.float64),
    )


def at_fixed_coupling(events: Events) -> Events:
    """Weight events with alpha_s^-n_out, which undoes the running of the coupling.

    Raises:
        ValueError: If the events have no alpha_s.
    """
    if events.alpha_s is None:
        raise ValueError("events without alpha_s cannot be weighted to a fixed coupling")
    weights = events.alpha_s ** -float(events.n_out)
    return replace(events, weights=weights / weights.mean())


def _weights(events: Events) -> np.ndarray:
    return np.ones(len(events)) if events.weights is None else events.weights


def _helicity_codes(events: Events) -> np.ndarray:
    if events.helicities is None:
        raise ValueError("events without helicities cannot be compared in helicities")
    return helicity_code(events.helicities)


def _colour_codes(events: Events) -> np.ndarray:
    if events.colour_order is None:
        raise ValueError("events without colour orders cannot be compared in colours")
    return lehmer_code(events.colour_order)


def _fractions(
    categories: np.ndarray, weights: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted fractions of categories and their variances.

    The variances are those of unnormalised counts; the normalisation is taken into account by one
    degree of freedom less.
    """
    total = weights.sum()
    fractions = np.bincount(categories, weights, size) / total
    return fractions, np.bincount(categories, np.square(weights), size) / total**2


def _ks_distance(
    first: np.ndarray, first_weights: np.ndarray, second: np.ndarray, second_weights: np.ndarray
) -> float:
    """Largest distance between two weighted empirical distribution functions."""
    values = np.concatenate((first, second))
    steps = np.concatenate(
        (first_weights / first_weights.sum(), -second_weights / second_weights.sum())
    )
    return float(np.abs(np.cumsum(steps[np.argsort(values, kind="stable")])).max())
