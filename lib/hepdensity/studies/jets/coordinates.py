"""Coordinates of jets and constituents, and densities in different measures.

A density is told in a measure, that is per unit of some coordinates, and an anomaly score made from
it depends on them. Three measures have names: `paper`, that of Mikuni and Nachman (2024,
arXiv:2306.03933), with the jet in pT, eta and mass and constituents in log(1 - z); `logit`, ours,
in coordinates that are not squeezed at an edge; and `physical`, per GeV and rad. z is the pT of a
constituent divided by that of its jet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hepdensity.physics.constituents import JetWindow

LEAST_Z, MOST_Z = 1e-5, 1 - 1e-4
"""Range of z; constituents outside are set to its edges, and counted."""

LEAST_MASS = 0.1
"""Least mass of a jet [GeV], of the order of the rounding in single precision."""

Z_LOW, Z_HIGH, MASS_LOW = "z below its range", "z above its range", "mass below its range"

_Map = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]


def _logit(x: Tensor) -> Tensor:
    return torch.log(x) - torch.log1p(-x)


# Coordinate of z, its inverse, and the logarithm of the derivative's absolute value.
_OF_Z: dict[str, _Map] = {
    "logit": (_logit, torch.sigmoid, lambda z: -torch.log(z) - torch.log1p(-z)),
    "log": (torch.log, torch.exp, lambda z: -torch.log(z)),
    "log_rest": (
        lambda z: torch.log1p(-z),
        lambda y: -torch.expm1(y),
        lambda z: -torch.log1p(-z),
    ),
}

JET_COORDINATES = ("linear", "logit")
CONSTITUENT_COORDINATES = ("physical", *_OF_Z)


@dataclass(frozen=True)
class Coordinates:
    """How a jet and its constituents are written as numbers.

    Jets have pT, eta and mass, either as they are (`linear`) or as the logit of the place of pT and
    eta in the window and the logarithm of the mass (`logit`). Constituents have d_eta, d_phi, and a
    third coordinate: pT [GeV] (`physical`), logit z (`logit`), log z (`log`), or the paper's
    log(1 - z) (`log_rest`).

    Attributes:
        jet: One of `JET_COORDINATES`.
        constituents: One of `CONSTITUENT_COORDINATES`.
        window: Where jets are; needed for `logit`.
    """

    jet: str = "logit"
    constituents: str = "logit"
    window: JetWindow = field(default_factory=JetWindow)

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ValueError: If there are no such coordinates.
        """
        for chosen, known in (
            (self.jet, JET_COORDINATES),
            (self.constituents, CONSTITUENT_COORDINATES),
        ):
            if chosen not in known:
                raise ValueError(f"there are no coordinates {chosen!r}; use {', '.join(known)}")

    def of(
        self, jet: Tensor, constituents: Tensor, counts: Counter[str] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Coordinates of jets.

        Args:
            jet: pT [GeV], eta and mass [GeV], float64, shape (n, 3).
            constituents: d_eta, d_phi [rad] and pT [GeV], NaN for absent ones, float64, shape
                (n, most, 3).
            counts: Receives how many values of z and of the mass were set to the edges of their
                ranges.

        Returns:
            Coordinates of the jets, shape (n, 3), and of the constituents, shape (n, most, 3).

        Raises:
            ValueError: If a jet is outside the window, and `jet` is `logit`.
        """
        jets, rows = self._limited(jet, constituents, counts)
        first, second = rows[..., :2], rows[..., 2]
        if self.constituents != "physical":
            second = _OF_Z[self.constituents][0](second / jet[:, None, 0])
        rows = torch.cat([first, second[..., None]], dim=2)
        if self.jet == "linear":
            return jets, rows
        pt, eta, mass = jets.unbind(1)
        places = (_logit(self._place(pt)), _logit(self._place_eta(eta)), torch.log(mass))
        return torch.stack(places, dim=1), rows

    def inverse(self, jet: Tensor, constituents: Tensor) -> tuple[Tensor, Tensor]:
        """Jets and constituents of coordinates, the inverse of `of`.

        Args:
            jet: Coordinates of the jets, shape (n, 3).
            constituents: Coordinates of the constituents, NaN for absent ones, shape (n, most, 3).

        Returns:
            `jet` and `constituents` as `of` takes them.
        """
        if self.jet == "logit":
            (low, high), most = self.window.pt, self.window.eta
            pt = low + (high - low) * torch.sigmoid(jet[:, 0])
            eta = most * torch.tanh(jet[:, 1] / 2)
            jet = torch.stack([pt, eta, torch.exp(jet[:, 2])], dim=1)
        third = constituents[..., 2]
        if self.constituents != "physical":
            third = _OF_Z[self.constituents][1](third) * jet[:, None, 0]
        return jet, torch.cat([constituents[..., :2], third[..., None]], dim=2)

    def log_jacobians(self, jet: Tensor, constituents: Tensor) -> tuple[Tensor, Tensor]:
        """Log-Jacobians of the coordinates with respect to the physical ones [nats].

        If p is the density per unit of these coordinates, log p plus the log-Jacobian is the
        log-density per GeV and rad. The second is given the jet, and summed over its constituents.

        Args:
            jet: As for `of`.
            constituents: As for `of`.

        Returns:
            Log-Jacobians of the jet part and of the constituents, shape (n,) each.

        Raises:
            ValueError: As in `of`.
        """
        jets, rows = self._limited(jet, constituents, None)
        of_jet = torch.zeros_like(jet[:, 0])
        if self.jet == "logit":
            pt, eta, mass = jets.unbind(1)
            low, high = self.window.pt
            of_jet = of_jet - torch.log(mass)
            for place, width in (
                (self._place(pt), high - low),
                (self._place_eta(eta), 2 * self.window.eta),
            ):
                of_jet = of_jet + _OF_Z["logit"][2](place) - math.log(width)
        of_rows = torch.zeros_like(of_jet)
        if self.constituents != "physical":
            pt = jet[:, None, 0]
            each = _OF_Z[self.constituents][2](rows[..., 2] / pt) - torch.log(pt)
            of_rows = torch.nansum(each, dim=1)
        return of_jet, of_rows

    def _limited(
        self, jet: Tensor, constituents: Tensor, counts: Counter[str] | None
    ) -> tuple[Tensor, Tensor]:
        """Jets and constituents with mass and z inside their ranges."""
        jets, rows = jet, constituents
        found: Counter[str] = Counter()
        if self.jet == "logit":
            self._check_window(jet)
            found[MASS_LOW] = int((jet[:, 2] < LEAST_MASS).sum())
            jets = torch.cat([jet[:, :2], jet[:, 2:].clamp(min=LEAST_MASS)], dim=1)
        if self.constituents != "physical":
            pt = jet[:, None, 0]
            z = constituents[..., 2] / pt
            found[Z_LOW] = int((z < LEAST_Z).sum())
            found[Z_HIGH] = int((z > MOST_Z).sum())
            third = z.clamp(LEAST_Z, MOST_Z) * pt
            rows = torch.cat([constituents[..., :2], third[..., None]], dim=2)
        if counts is not None:
            counts.update(found)
        return jets, rows

    def _check_window(self, jet: Tensor) -> None:
        (low, high), most = self.window.pt, self.window.eta
        inside = (jet[:, 0] > low) & (jet[:, 0] < high) & (jet[:, 1].abs() < most)
        if not bool(inside.all()):
            raise ValueError(
                f"{int((~inside).sum())} of {len(jet)} jets are outside the window of {low:g} to"
                f" {high:g} GeV and |eta| < {most:g}; leave them out, or widen the window"
            )

    def _place(self, pt: Tensor) -> Tensor:
        low, high = self.window.pt
        return (pt - low) / (high - low)

    def _place_eta(self, eta: Tensor) -> Tensor:
        return (eta / self.window.eta + 1) / 2


MEASURES = {
    "paper": Coordinates("linear", "log_rest"),
    "logit": Coordinates("logit", "logit"),
    "physical": Coordinates("linear", "physical"),
}
"""Measures by name, for the default window."""


def change_of_measure(
    jet: Tensor, constituents: Tensor, old: Coordinates, new: Coordinates
) -> tuple[Tensor, Tensor]:
    """What to add to log-densities to tell them in another measure [nats].

    Args:
        jet: As for `Coordinates.of`.
        constituents: As for `Coordinates.of`.
        old: Coordinates per unit of which the densities are.
        new: Coordinates per unit of which they are wanted.

    Returns:
        Terms for the log-density of the jet and for that of its constituents given the jet, shape
        (n,) each.

    Raises:
        ValueError: As in `Coordinates.of`.

    Example:
        >>> jet = torch.tensor([[600.0, 0.0, 100.0]], dtype=torch.float64)
        >>> one = torch.tensor([[[0.0, 0.0, 300.0]]], dtype=torch.float64)
        >>> terms = change_of_measure(jet, one, MEASURES["physical"], MEASURES["paper"])
        >>> [round(float(term), 4) for term in terms]  # log(600 (1 - z)) for the constituent
        [0.0, 5.7038]
    """
    before, after = (of.log_jacobians(jet, constituents) for of in (old, new))
    return before[0] - after[0], before[1] - after[1]
