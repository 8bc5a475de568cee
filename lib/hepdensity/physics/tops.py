"""Top quarks with hadronic decays in the record of a generator, and jets that contain them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepdensity.physics.constituents import wrapped
from hepdensity.physics.jagged import offsets_of, owners

TOP, W_BOSON, HEAVIEST_QUARK = 6, 24, 5
"""Particle Data Group codes of the top quark, the W boson and the quark b."""

_MOST_COPIES = (
    100  # A record repeats a W boson after each recoil; more mean that it goes in circles.
)


@dataclass(frozen=True)
class HadronicTops:
    """Top quarks whose decay gave three quarks.

    Attributes:
        event: Place of the event of each, rising, int64, shape (n,).
        eta: Pseudorapidities of the top quark and of the three quarks, shape (n, 4).
        phi: Their azimuths [rad], likewise.
    """

    event: np.ndarray
    eta: np.ndarray
    phi: np.ndarray

    def __len__(self) -> int:
        """Number of top quarks."""
        return len(self.event)


def hadronic_decays(code: np.ndarray, mother: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Find top quarks whose decay gave three quarks.

    The quarks are those before they radiate, the top quark is the last of its copies.

    Args:
        code: Particle Data Group code of each particle of n events, shape (N,).
        mother: Place of its (first) mother in its event, counted from 0, -1 without one; shape
            (N,).
        offsets: First particle of each event and N, shape (n + 1,).

    Returns:
        Indices of a top quark and its three quarks, rising, int64, shape (tops, 4).
    """
    kind = np.abs(code)
    first = offsets[:-1][owners(offsets)]
    mother = np.where((mother >= 0) & (mother < np.diff(offsets)[owners(offsets)]), mother, -1)
    above = np.where(mother >= 0, first + mother, -1)
    quark = np.flatnonzero((kind >= 1) & (kind <= HEAVIEST_QUARK) & (above >= 0))
    origin = above[quark]
    for _ in range(_MOST_COPIES):
        from_w = (origin >= 0) & (kind[origin] == W_BOSON)
        if not from_w.any():
            break
        origin[from_w] = above[origin[from_w]]
    from_top = (origin >= 0) & (kind[origin] == TOP)
    quark, origin = quark[from_top], origin[from_top]
    order = np.argsort(origin, kind="stable")
    top, start, number = np.unique(origin[order], return_index=True, return_counts=True)
    start, top = start[number == 3], top[number == 3]
    return np.column_stack([top, *(quark[order[start + i]] for i in range(3))])


def hadronic_tops(
    code: np.ndarray, mother: np.ndarray, offsets: np.ndarray, eta: np.ndarray, phi: np.ndarray
) -> HadronicTops:
    """Find top quarks whose decay gave three quarks, with their directions.

    Args:
        code: As for `hadronic_decays`.
        mother: Likewise.
        offsets: Likewise.
        eta: Pseudorapidity of each particle, shape (N,).
        phi: Its azimuth [rad], likewise.
    """
    found = hadronic_decays(code, mother, offsets)
    return HadronicTops(owners(offsets)[found[:, 0]], eta[found], phi[found])


def contain_a_top(
    tops: HadronicTops, event: np.ndarray, axis: np.ndarray, radius: float
) -> np.ndarray:
    """Whether a top quark and its three quarks are all near the axis of each jet.

    Args:
        tops: The top quarks of some events.
        event: Place of the event of each jet, shape (n,).
        axis: Pseudorapidity and azimuth [rad] of each jet, shape (n, 2).
        radius: Largest distance in (eta, phi).

    Returns:
        Bool, shape (n,).
    """
    n_events = int(max(event.max(initial=-1), tops.event.max(initial=-1))) + 1
    offsets = offsets_of(tops.event, n_events)
    number = np.diff(offsets)[event]
    jet = np.repeat(np.arange(len(event)), number)
    # Tops of the event of each jet, one after the other.
    top = np.arange(len(jet)) - np.repeat(np.cumsum(number) - number, number)
    top += np.repeat(offsets[:-1][event], number)
    d_eta = tops.eta[top] - axis[jet, :1]
    d_phi = wrapped(tops.phi[top] - axis[jet, 1:])
    near = (np.hypot(d_eta, d_phi) < radius).all(axis=1)
    contains: np.ndarray = np.bincount(jet[near], minlength=len(event)) > 0
    return contains
