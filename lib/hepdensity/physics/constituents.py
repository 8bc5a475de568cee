"""Jets with their constituents: arrays, coordinates relative to the axis of the jet, invariants.

A jet is the sum of the momenta of its constituents. Of these, the hardest are kept, up to a largest
number, in coordinates relative to the axis of the jet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from hepdensity.physics.jagged import by_falling, owners, subset

MOST_CONSTITUENTS = 100
"""Largest number of constituents that a jet can keep."""

COORDINATES = ("d_eta", "d_phi", "pt")
"""Columns of `ConstituentJets.constituents`."""

JET_COLUMNS = ("pt", "eta", "phi", "mass", "n")
"""Columns of `ConstituentJets.jet`."""

PARTS = ("train", "validation", "test")
"""Names of the parts that a source may divide its jets into; a code is a place in this list."""

NO_PART = -1
"""Code of jets whose source names no part."""

JET_FROM = ("all", "kept")


@dataclass(frozen=True)
class JetWindow:
    """Jets that are wanted, at a transverse momentum and a pseudorapidity inside a window.

    Attributes:
        pt: Lower and upper edge of the transverse momentum [GeV].
        eta: Absolute pseudorapidity below which jets are wanted.
    """

    pt: tuple[float, float] = (550.0, 650.0)
    eta: float = 2.0

    def __post_init__(self) -> None:
        """Check the edges.

        Raises:
            ValueError: If the window is empty.
        """
        if not (0 <= self.pt[0] < self.pt[1] and self.eta > 0):
            raise ValueError(f"the window of jets {self} is empty; correct its edges")

    def contains(self, jet: np.ndarray) -> np.ndarray:
        """Whether jets are inside, edges excluded, bool, shape (n,).

        Args:
            jet: Jets with the columns `JET_COLUMNS`, shape (n, 5).
        """
        pt, eta = jet[:, 0], jet[:, 1]
        inside: np.ndarray = (pt > self.pt[0]) & (pt < self.pt[1]) & (np.abs(eta) < self.eta)
        return inside


@dataclass(frozen=True)
class JetForm:
    """What to store of jets.

    Attributes:
        most: Largest number of constituents of a jet, at most `MOST_CONSTITUENTS`.
        jet_from: Whether momentum and axis of a jet are those of the sum of all its constituents
            (`all`) or of those kept (`kept`).
        window: Which jets are wanted, or None for all.
    """

    most: int = MOST_CONSTITUENTS
    jet_from: str = "all"
    window: JetWindow | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: If one is out of range.
        """
        if not 1 <= self.most <= MOST_CONSTITUENTS:
            raise ValueError(
                f"a jet cannot keep {self.most} constituents; choose 1 to {MOST_CONSTITUENTS}"
            )
        if self.jet_from not in JET_FROM:
            raise ValueError(
                f"jets cannot be made from {self.jet_from!r}; choose {' or '.join(JET_FROM)}"
            )


@dataclass(frozen=True)
class ConstituentJets:
    """Jets and their constituents, which are sorted by falling pT, absent ones last.

    Attributes:
        constituents: Pseudorapidity and azimuth relative to the jet, the latter in (-pi, pi] [rad],
            and pT [GeV]; NaN for absent ones; float32, shape (n, most, 3).
        jet: pT [GeV], pseudorapidity, azimuth in [-pi, pi] [rad], mass [GeV], and the number of
            constituents kept, float64, shape (n, 5).
        label: Name of the process, text, shape (n,).
        weight: Weight, float64, shape (n,).
        event_id: Number of the event in its source, int64, shape (n,).
        jet_id: Number of the jet in its event, counted from 0, int64, shape (n,).
        part: Part of the source, a place in `PARTS` or `NO_PART`, int8, shape (n,).
    """

    constituents: np.ndarray
    jet: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    event_id: np.ndarray
    jet_id: np.ndarray
    part: np.ndarray

    def __len__(self) -> int:
        """Number of jets."""
        return len(self.jet)

    def __getitem__(self, chosen: slice | np.ndarray) -> ConstituentJets:
        """Some of the jets.

        Args:
            chosen: A slice, a mask of shape (n,), or indices.
        """
        return ConstituentJets(
            **{field.name: getattr(self, field.name)[chosen] for field in _FIELDS}
        )

    @property
    def present(self) -> np.ndarray:
        """Whether each constituent is present, bool, shape (n, most)."""
        present: np.ndarray = ~np.isnan(self.constituents[:, :, 2])
        return present


_FIELDS = fields(ConstituentJets)


def concatenated_jets(parts: Sequence[ConstituentJets]) -> ConstituentJets:
    """Jets of several chunks, one after the other.

    Args:
        parts: One or more chunks with the same largest number of constituents.
    """
    return ConstituentJets(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in _FIELDS
        }
    )


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Angles modulo 2 pi, in (-pi, pi] [rad].

    Example:
        >>> wrapped(np.array([np.pi, -np.pi, 0.5, 7.0])).round(3).tolist()
        [3.142, 3.142, 0.5, 0.717]
    """
    turned: np.ndarray = np.pi - np.mod(np.pi - angle, 2 * np.pi)
    return turned


def kinematics(momentum: np.ndarray) -> np.ndarray:
    """Transverse momentum, pseudorapidity, azimuth and mass.

    Args:
        momentum: Momenta (px, py, pz, E) [GeV], shape (n, 4).

    Returns:
        pT [GeV], pseudorapidity, azimuth [rad] and mass [GeV], 0 if spacelike; float64, shape
        (n, 4). Without transverse momentum the pseudorapidity is not finite.
    """
    x, y, z, energy = momentum.astype(np.float64).T
    pt = np.hypot(x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(z / pt)
    # The energy minus the momentum loses fewer digits than the difference of their squares.
    p = np.hypot(pt, z)
    mass = np.sqrt(np.maximum((energy - p) * (energy + p), 0.0))
    return np.stack([pt, eta, np.arctan2(y, x), mass], axis=1)


def jet_arrays(
    momentum: np.ndarray, offsets: np.ndarray, form: JetForm, given: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Constituents and jets from the momenta of the constituents.

    Args:
        momentum: Momenta (px, py, pz, E) of all constituents [GeV], each with pT > 0; those of jet
            i are `offsets[i]:offsets[i + 1]`; shape (N, 4).
        offsets: First constituent of each jet and N, shape (n + 1,).
        form: What to keep; its window is not applied.
        given: Kinematics of the jets of all constituents, where the source tells them, shape
            (n, 4) with the columns of `kinematics`; by default those of the sum.

    Returns:
        `constituents` and `jet` of `ConstituentJets`.
    """
    pt = np.hypot(momentum[:, 0], momentum[:, 1])
    order = by_falling(pt, offsets)
    momentum = momentum[order].astype(np.float64)
    of_jet = owners(offsets)
    place = np.arange(len(order)) - offsets[of_jet]
    kept = np.flatnonzero(place < form.most)
    n = len(offsets) - 1
    if form.jet_from == "kept":
        axis = kinematics(_sums(momentum[kept], of_jet[kept], n))
    else:
        axis = kinematics(_sums(momentum, of_jet, n)) if given is None else given
    number = np.diff(subset(offsets, kept)).astype(np.float64)
    constituents = np.full((n, form.most, 3), np.nan, dtype=np.float32)
    relative = _relative(kinematics(momentum[kept]), axis[of_jet[kept]])
    constituents[of_jet[kept], place[kept]] = relative
    return constituents, np.column_stack([axis, number])


def _sums(momentum: np.ndarray, of_jet: np.ndarray, n: int) -> np.ndarray:
    """Sums over the constituents of each of n jets, shape (n, 4)."""
    return np.stack([np.bincount(of_jet, column, minlength=n) for column in momentum.T], axis=1)


def _relative(of: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Columns `COORDINATES` of constituents, given kinematics of them and of their jets."""
    return np.stack([of[:, 1] - axis[:, 1], wrapped(of[:, 2] - axis[:, 2]), of[:, 0]], axis=1)


def massless_momenta(jets: ConstituentJets) -> np.ndarray:
    """Momenta of the kept constituents, taken as massless.

    Args:
        jets: The jets.

    Returns:
        (px, py, pz, E) [GeV], 0 for absent ones, float64, shape (n, most, 4).
    """
    d_eta, d_phi, pt = np.moveaxis(np.nan_to_num(jets.constituents.astype(np.float64)), 2, 0)
    eta, phi = d_eta + jets.jet[:, 1:2], d_phi + jets.jet[:, 2:3]
    return np.stack(
        [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=2
    )


def massless_sum(jets: ConstituentJets) -> np.ndarray:
    """Kinematics of the sum of the kept constituents, taken as massless.

    It tells how much of a jet its kept constituents are, and checks files against their own jets.

    Args:
        jets: The jets.

    Returns:
        pT [GeV], pseudorapidity, azimuth [rad] and mass [GeV], float64, shape (n, 4).
    """
    return kinematics(massless_momenta(jets).sum(axis=1))


def girth(jets: ConstituentJets) -> np.ndarray:
    """Distance of the constituents from the axis, averaged with their pT, float64, shape (n,).

    Gallicchio and Schwartz 2011 (arXiv:1106.3076).

    Args:
        jets: The jets.
    """
    d_eta, d_phi, pt = np.moveaxis(jets.constituents.astype(np.float64), 2, 0)
    averaged: np.ndarray = np.nansum(np.hypot(d_eta, d_phi) * pt, axis=1) / np.nansum(pt, axis=1)
    return averaged
