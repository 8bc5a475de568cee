"""Events in a form in which their symmetries are divided out.

Objects are sorted by falling pT. Azimuths are relative to the missing transverse momentum, whose
own azimuth is uniform. The reflections eta -> -eta and phi -> -phi are used to give the first
object a positive pseudorapidity and an azimuth between 0 and pi.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hepdensity.models.layout import Layout

TYPES = 7
"""Number of types of objects."""

JET_TYPES = 2
"""The first types are jets, which have a mass."""

_COLUMNS = ("log_pt", "log_mass", "eta", "phi", "type")
_LOG_UNIFORM = -math.log(2 * math.pi)
_LOG_REFLECTIONS = -math.log(4)


@dataclass(frozen=True)
class Canonical:
    """Events with sorted objects; the quantities of absent objects are zero.

    Attributes:
        log_met: Logarithm of the missing transverse momentum, shape (n,).
        present: Whether an object is present, bool, shape (n, N).
        type: Type, from 0, and -1 if absent, int64, shape (n, N).
        log_pt: Logarithm of the transverse momentum, falling, shape (n, N).
        log_mass: Logarithm of the mass of jets, 0 for other objects, shape (n, N).
        eta: Pseudorapidity, shape (n, N).
        delta: Azimuth relative to the missing transverse momentum in [0, 2 pi), shape (n, N).
    """

    log_met: Tensor
    present: Tensor
    type: Tensor
    log_pt: Tensor
    log_mass: Tensor
    eta: Tensor
    delta: Tensor

    @property
    def count(self) -> Tensor:
        """Number of objects, int64, shape (n,)."""
        return self.present.sum(dim=1)

    @property
    def jets(self) -> Tensor:
        """Whether an object is a jet, bool, shape (n, N)."""
        return self.present & (self.type < JET_TYPES)


class Columns:
    """Columns of a layout by name."""

    def __init__(self, layout: Layout) -> None:
        """Find the columns.

        Raises:
            ValueError: If the layout lacks one, or has no presence sets 1 ... N.
        """
        self.layout = layout
        places = range(layout.particles)
        self._of = {name: [layout.index(name, place) for place in places] for name in _COLUMNS}
        self._log_met = layout.index("log_met")
        self._met_phi = layout.index("met_phi")
        counts = [chosen.particles for chosen in layout.sets]
        if counts != list(range(1, layout.particles + 1)):
            raise ValueError(
                "this kind of model needs one presence set for each number of objects from 1 to"
                f" {layout.particles}, not {counts}; use a dataset of view 'mass'"
            )

    def canonical(self, batch: Tensor) -> tuple[Canonical, Tensor]:
        """Divide out the symmetries.

        Args:
            batch: Events of the layout, shape (n, d), with objects in any order.

        Returns:
            The events, and the logarithm of the density of an event over that of its canonical
            form [nats], shape (n,): all orders, azimuths and reflections are equally probable.
        """
        log_pt = batch[:, self._of["log_pt"]]
        order = log_pt.nan_to_num(nan=-torch.inf).argsort(dim=1, descending=True, stable=True)

        def column(name: str) -> Tensor:
            return batch[:, self._of[name]].gather(1, order)

        present = ~column("log_pt").isnan()

        def filled(name: str) -> Tensor:
            return column(name).nan_to_num(nan=0.0)

        kind = torch.where(present, filled("type"), -1.0).round().long()
        eta = filled("eta")
        delta = (filled("phi") - batch[:, self._met_phi, None]).remainder(2 * math.pi)
        eta = eta * torch.where(eta[:, :1] < 0, -1.0, 1.0)
        mirrored = (2 * math.pi - delta).remainder(2 * math.pi)
        delta = torch.where(delta[:, :1] > math.pi, mirrored, delta)
        zero = torch.zeros_like(eta)
        events = Canonical(
            log_met=batch[:, self._log_met],
            present=present,
            type=kind,
            log_pt=filled("log_pt"),
            log_mass=torch.where(present & (kind < JET_TYPES), filled("log_mass"), zero),
            eta=torch.where(present, eta, zero),
            delta=torch.where(present, delta, zero),
        )
        orders = torch.lgamma(events.count.to(batch) + 1)
        return events, _LOG_UNIFORM + _LOG_REFLECTIONS - orders

    def events(self, canonical: Canonical, generator: torch.Generator | None) -> Tensor:
        """Events of the layout from canonical ones, with random azimuth and reflections, (n, d).

        Objects stay sorted by falling pT.
        """
        n, like = len(canonical.log_met), canonical.log_met

        def uniform() -> Tensor:
            return torch.rand(n, 1, generator=generator, dtype=like.dtype, device=like.device)

        met_phi = math.pi * (2 * uniform() - 1)
        eta = canonical.eta * torch.where(uniform() < 0.5, -1.0, 1.0)
        delta = canonical.delta * torch.where(uniform() < 0.5, -1.0, 1.0)
        phi = (met_phi + delta + math.pi).remainder(2 * math.pi) - math.pi
        no_mass = ~canonical.jets
        values = {
            "log_pt": canonical.log_pt,
            "log_mass": canonical.log_mass.masked_fill(no_mass, torch.nan),
            "eta": eta,
            "phi": phi,
            "type": canonical.type.to(like),
        }
        batch = like.new_full((n, self.layout.features), torch.nan)
        batch[:, self._log_met], batch[:, self._met_phi] = canonical.log_met, met_phi[:, 0]
        for name, given in values.items():
            batch[:, self._of[name]] = given.masked_fill(~canonical.present, torch.nan)
        return batch
