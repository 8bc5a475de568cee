"""Our density of reconstructed events: types exactly, then each object given the harder ones.

    p(event) = p(n) p(types | n) p(MET | types) product over k of p(object k | harder ones, types)

All factors are normalised in coordinates that fit: objects are sorted and lie above the thresholds
of their types; azimuths are relative to the missing transverse momentum; orders, rotations and
reflections are divided out. The density is therefore exact, and does not depend on the order in
which objects are given.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import MultiplicityModel
from hepdensity.models.flows.core import seeded
from hepdensity.models.layout import Layout
from hepdensity.physics.objects import LABELS
from hepdensity.studies.darkmachines.layouts import LEAST_PT
from hepdensity.studies.darkmachines.models.canonical import TYPES, Canonical, Columns
from hepdensity.studies.darkmachines.models.networks.heads import Head
from hepdensity.studies.darkmachines.models.networks.partners import FEATURES, partner_features
from hepdensity.studies.darkmachines.models.networks.trunk import LOG_SCALE, Trunk, one_hot
from hepdensity.studies.darkmachines.models.networks.types import TypeSequence

_MARGIN = 0.02
"""How far below the smallest log pT in training an unknown threshold of a type lies."""
_EDGE = 1e-4
_SMALLEST = 1e-6
_PSEUDO_EVENTS = 0.5
_QUANTITIES = ("log_met", "log_pt", "log_mass", "eta")
_OWN = TYPES + 4


class ObjectFlow(MultiplicityModel):
    """An exact density of events with a varying number of objects."""

    log_counts: Tensor
    thresholds: Tensor
    mean: Tensor
    std: Tensor

    def __init__(
        self, layout: Layout, width: int, blocks: int, attention_heads: int, hidden: int, bins: int
    ) -> None:
        """Create the model.

        Args:
            layout: columns of the events (view `mass`, see `studies.darkmachines.layouts`).
            width: width of the states of the attention network.
            blocks: attention blocks.
            attention_heads: attention heads of each block.
            hidden: hidden units of the network of each quantity.
            bins: bins of each spline.

        Raises:
            ValueError: for another layout, or a width that the heads do not divide.
        """
        super().__init__()
        if width % attention_heads:
            raise ValueError(f"width {width} is not a multiple of {attention_heads} heads")
        self.columns, self.layout = Columns(layout), layout
        objects = layout.particles
        self.types = TypeSequence(objects, 2 * hidden)
        self.trunk = Trunk(width, blocks, attention_heads)
        features = width + _OWN
        self.met = Head(2 * TYPES, hidden, bins, "line")
        self.leading_pt = Head(features, hidden, bins, "line")
        self.pt = Head(features, hidden, bins, "interval")
        self.mass = Head(features, hidden, bins, "line")
        self.eta = Head(features + FEATURES, hidden, bins, "line")
        self.delta = Head(features + FEATURES, hidden, bins, "circle")
        unknown = torch.full((objects,), torch.nan, dtype=torch.float64)
        self.register_buffer("log_counts", unknown)
        self.register_buffer("thresholds", torch.full((TYPES,), torch.nan, dtype=torch.float64))
        for name in ("mean", "std"):
            empty = torch.full((len(_QUANTITIES),), torch.nan, dtype=torch.float64)
            self.register_buffer(name, empty)

    # --- what is counted ------------------------------------------------------------------------

    def prepare(self, training: Tensor) -> None:
        """Count numbers of objects, thresholds, means and standard deviations in training events.

        Raises:
            ValueError: if the events do not have the columns of the layout.
        """
        events, _ = self._canonical(training.double())
        numbers = torch.bincount(events.count - 1, minlength=self.layout.particles)
        numbers = numbers.double() + _PSEUDO_EVENTS
        self.log_counts.copy_((numbers / numbers.sum()).log())
        lowest = float(events.log_pt[events.present].min())
        for kind, label in enumerate(LABELS):
            values = events.log_pt[events.type == kind]
            smallest = float(values.min()) if len(values) else lowest
            known = self.layout.constants.get(f"{LEAST_PT}{label}")
            limits = [smallest - _MARGIN] if known is None else [smallest, math.log(known)]
            self.thresholds[kind] = min(limits) - _EDGE
        present, jets = events.present, events.jets
        samples = (
            events.log_met,
            _on_line(events.log_pt[:, 0] - self._edges(events)[0][:, 0]),
            (events.log_mass - events.log_pt)[jets],
            events.eta[present],
        )
        for i, values in enumerate(samples):
            spread = len(values) > 1 and float(values.std()) > 0
            self.mean[i] = values.mean() if len(values) else 0.0
            self.std[i] = values.std() if spread else 1.0
        self.mean[3] = 0.0  # Both directions are equal.

    @property
    def log_probabilities(self) -> Tensor:
        """Log-probability of each number of objects [nats], shape ``(N,)``."""
        if self.log_counts.isnan().any():
            raise ValueError("nothing has been counted; call prepare(training) first")
        return self.log_counts

    # --- density --------------------------------------------------------------------------------

    @property
    def bound(self) -> bool:
        """The density is exact."""
        return False

    def factors(self) -> list[list[nn.Module]]:
        """The types, and all else."""
        rest = [self.trunk, self.met, self.leading_pt, self.pt, self.mass, self.eta, self.delta]
        return [[self.types], rest]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihoods of the types and of all else [nats], shape ``(2,)``."""
        types, kinematics = self.log_parts(batch)
        return -torch.stack([types.mean(), kinematics.mean()])

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood [nats]."""
        return self.factor_losses(batch, generator).sum()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats], shape ``(n,)``."""
        types, kinematics = self.log_parts(batch)
        return types + kinematics

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """The same, because it is exact."""
        return self.log_prob(batch)

    def log_parts(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithms of the probability of the types and of the density of all else [nats].

        Args:
            batch: events, shape ``(n, d)``.

        Returns:
            Two tensors of shape ``(n,)``; the first includes the number of objects.

        Raises:
            ValueError: if the events do not have the columns of the layout.
        """
        events, symmetry = self._canonical(batch)
        counts = self.log_probabilities.to(batch)[events.count - 1]
        types = counts + self.types.log_prob(events.type)
        return types, self._log_kinematics(events) + symmetry

    def _canonical(self, batch: Tensor) -> tuple[Canonical, Tensor]:
        if batch.shape[1] != self.layout.features:
            raise ValueError(
                f"this model takes events of {self.layout.features} columns, not"
                f" {batch.shape[1]}; check the layout of the inputs"
            )
        return self.columns.canonical(batch)

    def _log_kinematics(self, events: Canonical) -> Tensor:
        total = self._log_met(events)
        present = events.present
        own, partners = self._features(events)
        first = torch.zeros_like(present)
        first[:, 0] = True
        for values, chosen in (
            (self._log_leading_pt(events, own), first),
            (self._log_pt(events, own, present & ~first), present & ~first),
            (self._log_mass(events, own), events.jets),
            (self._log_eta(events, own, partners), present),
            (self._log_delta(events, own, partners), present),
        ):
            total = total + torch.zeros_like(events.log_pt).masked_scatter(chosen, values).sum(1)
        return total

    def _features(self, events: Canonical) -> tuple[Tensor, Tensor]:
        """Features of each object, and those for its direction, shape ``(n, N, ...)``."""
        kinds = one_hot(events.type, events.log_pt)
        return torch.cat([self.trunk(events), kinds], dim=2), partner_features(events)

    def _known(self, events: Canonical, own: Tensor, known: int) -> Tensor:
        """Features with the first quantities of the object itself; the others are zero."""
        given = torch.stack(
            [
                events.log_pt - LOG_SCALE,
                (events.log_mass - events.log_pt) * events.jets,
                events.eta,
                self._edges(events)[0] - LOG_SCALE,
            ],
            dim=2,
        )
        used = given.new_tensor([known > 0, known > 1, known > 2, True])
        return torch.cat([own, given * used], dim=2)

    def _unit(self, values: Tensor, quantity: str) -> tuple[Tensor, Tensor]:
        """Values in units of their spread in training, and the log-Jacobian."""
        i = _QUANTITIES.index(quantity)
        mean, std = self.mean[i].to(values), self.std[i].to(values)
        return (values - mean) / std, -std.log()

    def _log_met(self, events: Canonical) -> Tensor:
        t, jacobian = self._unit(events.log_met, "log_met")
        return self.met.log_prob(t, self._met_features(events)) + jacobian

    @staticmethod
    def _met_features(events: Canonical) -> Tensor:
        kinds = one_hot(events.type, events.log_pt)
        return torch.cat([kinds.sum(dim=1) / 4, kinds[:, 0]], dim=1)

    def _log_leading_pt(self, events: Canonical, own: Tensor) -> Tensor:
        excess = events.log_pt[:, 0] - self._edges(events)[0][:, 0]
        t, jacobian = self._unit(_on_line(excess), "log_pt")
        value = self.leading_pt.log_prob(t, self._known(events, own, 0)[:, 0]) + jacobian
        value = value - torch.log(-torch.expm1(-excess.clamp(min=_SMALLEST)))
        return value.masked_fill(excess <= 0, -torch.inf)

    def _edges(self, events: Canonical) -> tuple[Tensor, Tensor]:
        """Smallest and largest log pT of each object, shape ``(n, N)``.

        An object is above the thresholds of its own type and of the types of softer objects.
        """
        each = self.thresholds.to(events.log_pt)[events.type.clamp(min=0)]
        each = each.masked_fill(~events.present, -torch.inf)
        lowest = each.flip(1).cummax(dim=1).values.flip(1)
        lowest = torch.where(events.present, lowest, torch.zeros_like(lowest))
        return lowest, nn.functional.pad(events.log_pt[:, :-1], (1, 0))

    def _log_pt(self, events: Canonical, own: Tensor, chosen: Tensor) -> Tensor:
        low, high = (edge[chosen] for edge in self._edges(events))
        width = (high - low).clamp(min=1e-6)
        u = (events.log_pt[chosen] - low) / width
        u = torch.where((u > -_EDGE) & (u < 1 + _EDGE), u.clamp(0, 1), u)
        return self.pt.log_prob(u, self._known(events, own, 0)[chosen]) - width.log()

    def _log_mass(self, events: Canonical, own: Tensor) -> Tensor:
        jets = events.jets
        t, jacobian = self._unit((events.log_mass - events.log_pt)[jets], "log_mass")
        return self.mass.log_prob(t, self._known(events, own, 1)[jets]) + jacobian

    def _log_eta(self, events: Canonical, own: Tensor, partners: Tensor) -> Tensor:
        t, jacobian = self._unit(events.eta, "eta")
        features = torch.cat([self._known(events, own, 2), partners * _PARTNER_OF_ETA.to(t)], dim=2)
        values = self._folded(self.eta, t, -t, events.present, features)
        return values + jacobian

    def _log_delta(self, events: Canonical, own: Tensor, partners: Tensor) -> Tensor:
        u = (events.delta / (2 * math.pi)).clamp(0, 1)
        features = torch.cat([self._known(events, own, 3), partners], dim=2)
        values = self._folded(self.delta, u, 1 - u, events.present, features)
        return values - math.log(2 * math.pi)

    @staticmethod
    def _folded(
        head: Head, given: Tensor, reflected: Tensor, present: Tensor, features: Tensor
    ) -> Tensor:
        """Log-densities; for the first object, that of the value and of its reflection together."""
        values = torch.zeros_like(given).masked_scatter(
            present, head.log_prob(given[present], features[present])
        )
        mirror = head.log_prob(reflected[:, 0], features[:, 0])
        first = torch.logaddexp(values[:, 0], mirror)
        return torch.cat([first[:, None], values[:, 1:]], dim=1)[present]

    # --- samples --------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events, shape ``(n, d)``; objects are sorted by falling pT."""
        weights = self.log_probabilities.exp()
        count = torch.multinomial(weights, n, replacement=True, generator=generator) + 1
        return self._sample(count, generator)

    @torch.no_grad()
    def sample_set(self, n: int, chosen: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events of one presence set, shape ``(n, d)``.

        Raises:
            ValueError: if there is no such set.
        """
        if not 0 <= chosen < self.layout.particles:
            raise ValueError(
                f"there is no presence set {chosen}; the layout has {self.layout.sets}"
            )
        count = torch.full((n,), chosen + 1, device=self.log_counts.device)
        return self._sample(count, generator)

    def _sample(self, count: Tensor, generator: Generator | None) -> Tensor:
        like = next(self.parameters())
        types = self.types.draw(count, generator)
        zero = torch.zeros(types.shape, dtype=like.dtype, device=like.device)
        events = Canonical(zero[:, 0], types >= 0, types, zero, zero, zero, zero)
        t = self.met.draw(self._met_features(events), generator)
        events = replace(events, log_met=self._back(t, "log_met"))
        for place in range(self.layout.particles):
            events = self._with_object(events, place, generator)
        return self.columns.events(events, generator)

    def _back(self, t: Tensor, quantity: str) -> Tensor:
        i = _QUANTITIES.index(quantity)
        return self.mean[i].to(t) + self.std[i].to(t) * t

    def _with_object(self, events: Canonical, place: int, generator: Generator | None) -> Canonical:
        """Events with the quantities of the object at a place drawn."""
        own, _ = self._features(events)
        features = self._known(events, own, 0)[:, place]
        if place:
            low, high = (edge[:, place] for edge in self._edges(events))
            value = low + self.pt.draw(features, generator) * (high - low)
        else:
            excess = self._back(self.leading_pt.draw(features, generator), "log_pt")
            value = self._edges(events)[0][:, 0] + nn.functional.softplus(excess)
        events = self._put(events, "log_pt", place, value)
        t = self.mass.draw(self._known(events, own, 1)[:, place], generator)
        value = self._back(t, "log_mass") + events.log_pt[:, place]
        events = self._put(events, "log_mass", place, value, events.jets[:, place])
        partners = partner_features(events) * _PARTNER_OF_ETA.to(value)
        features = torch.cat([self._known(events, own, 2), partners], dim=2)[:, place]
        value = self._back(self.eta.draw(features, generator), "eta")
        events = self._put(events, "eta", place, value.abs() if not place else value)
        features = torch.cat([self._known(events, own, 3), partner_features(events)], dim=2)
        u = self.delta.draw(features[:, place], generator)
        u = torch.minimum(u, 1 - u) if not place else u
        return self._put(events, "delta", place, 2 * math.pi * u)

    @staticmethod
    def _put(
        events: Canonical, name: str, place: int, values: Tensor, where: Tensor | None = None
    ) -> Canonical:
        chosen = events.present[:, place] if where is None else where
        columns = getattr(events, name).clone()
        columns[:, place] = torch.where(chosen, values, torch.zeros_like(values))
        return replace(events, **{name: columns})


def _on_line(positive: Tensor) -> Tensor:
    """Map positive numbers to the real line by the inverse of softplus."""
    return torch.log(torch.expm1(positive.clamp(min=_SMALLEST)))


_PARTNER_OF_ETA = torch.tensor([1.0] * 5 + [1.0] * 4 + [0.0])
"""The last feature needs the pseudorapidity itself."""


def object_flow(
    *,
    layout: Layout,
    seed: int,
    width: int,
    blocks: int,
    attention_heads: int,
    hidden: int,
    bins: int,
) -> ObjectFlow:
    """Build our density of reconstructed events.

    Args:
        layout: columns of the events (view `mass`).
        seed: seed of the weights.
        width: width of the states of the attention network.
        blocks: attention blocks.
        attention_heads: attention heads of each block.
        hidden: hidden units of the network of each quantity.
        bins: bins of each spline.

    Raises:
        ValueError: for another layout, or a width that the heads do not divide.
    """
    with seeded(seed):
        return ObjectFlow(layout, width, blocks, attention_heads, hidden, bins)
