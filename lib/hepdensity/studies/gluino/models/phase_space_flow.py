"""A flow in coordinates in which massless flat phase space is uniform.

In the angle variables of Verheyen 2022 (arXiv:2205.01697), a flow has to learn the boundary of
phase space. This flow starts from flat phase space and learns only the matrix element. The
symmetries of the process are built in: rotation about the beam, reflections along and across the
beam, and exchange of the gluinos.
"""

import math
from collections.abc import Sequence
from itertools import permutations

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import DensityModel, Layer, permute_particles
from hepdensity.models.flows.core import Flow, spline_layers
from hepdensity.models.layers.autoregressive import AutoregressiveSpline
from hepdensity.models.layers.dropout import refuse_dropped
from hepdensity.models.layers.spline import SMALLEST_SLOPE
from hepdensity.models.layers.symmetry import CommonRotation, Fold
from hepdensity.models.layout import Column, Layout
from hepdensity.studies.gluino.models.layers.paired_phase_space import PairedPhaseSpace
from hepdensity.studies.gluino.models.layers.phase_space import PHI, THETA, PhaseSpace

_PARTICLES = 4
_FEATURES = 8
_DIFFERENCE = 6
"""Column of the mass difference of the pairs, after the common rotation."""
_LARGEST_CHUNK = 60_000
_TOLERATED_UNPHYSICAL = 1e-4


class PhaseSpaceFlow(DensityModel):
    """A flow on a cube that a chart maps to phase space, averaged over particle orders."""

    orders: Tensor

    def __init__(
        self, chart: Sequence[Layer], flow: Flow, orders: Tensor, orders_per_event: int
    ) -> None:
        """Combine a flow and a chart.

        Args:
            chart: layers from angles to the cube of the flow, in the order of inference.
            flow: flow on this cube, without permutation treatment.
            orders: orders of the particles to average over, shape ``(k, 4)``.
            orders_per_event: number of these orders that the loss draws and averages for each
                event: 1 is the stochastic permutation, k the exact likelihood.

        Raises:
            ValueError: if ``orders_per_event`` is not in 1 ... k.
        """
        super().__init__()
        if not 1 <= orders_per_event <= len(orders):
            raise ValueError(
                f"orders_per_event is {orders_per_event}; choose from 1 (one random order) to"
                f" {len(orders)} (the exact symmetrised likelihood)"
            )
        self.chart = nn.ModuleList(chart)
        self._stack = tuple(chart)
        self.flow = flow
        self.orders_per_event = orders_per_event
        self.register_buffer("orders", orders, persistent=False)

    @property
    def bound(self) -> bool:
        """True, because ``log_prob`` uses one order of the particles."""
        return True

    def prepare(self, training: Tensor) -> None:
        """Check that the model is made for these events.

        Raises:
            ValueError: for a wrong number of columns, absent particles, or more events with
                unphysical angles than rounding can explain.
        """
        if training.shape[1] != _FEATURES:
            raise ValueError(
                f"this model takes events of {_FEATURES} angles, not {training.shape[1]} columns"
            )
        refuse_dropped(training)
        unphysical = self._infer(training)[1].isneginf()
        if unphysical.sum() > max(1, _TOLERATED_UNPHYSICAL * len(training)):
            raise ValueError(
                f"event {int(unphysical.nonzero()[0]) + 1} and {int(unphysical.sum()) - 1} others"
                " have angles that four massless momenta cannot have; check the input events"
            )

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood [nats] from ``orders_per_event`` orders of each event.

        Events at unphysical points do not count: rounding to single precision moves about one event
        in 10^7 to an unphysical point, which must not end a training.
        """
        values = self.log_prob_averaged(batch, self.orders_per_event, generator)
        physical = ~values.isneginf()
        return -torch.where(physical, values, 0).sum() / physical.sum()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] from one random order, shape ``(n,)``; -inf at unphysical points."""
        return self.log_prob_averaged(batch, 1, generator)

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Exact log-density of ``sample`` [nats], shape ``(n,)``: the mean over all orders."""
        return self.log_prob_averaged(batch, len(self.orders), generator)

    def log_prob_averaged(
        self, batch: Tensor, count: int, generator: Generator | None = None
    ) -> Tensor:
        """Log of the mean density over ``count`` orders, different ones for each event.

        Args:
            batch: events, shape ``(n, 8)``.
            count: number of orders; with all orders, the result is exact and not random.
            generator: source of random orders.

        Returns:
            Shape ``(n,)`` [nats]; unless exact, on average a lower bound of the log-density.
        """
        size = max(1, _LARGEST_CHUNK // count)
        parts = [self._averaged(part, count, generator) for part in batch.split(size)]
        return torch.cat(parts) if parts else batch.new_zeros(0)

    def _averaged(self, batch: Tensor, count: int, generator: Generator | None) -> Tensor:
        n = len(batch)
        orders = self.orders.expand(n, -1, -1)
        if count < len(self.orders):
            keys = torch.rand(n, len(self.orders), generator=generator, device=batch.device)
            orders = self.orders[keys.topk(count, dim=1).indices]
        repeated = batch.repeat_interleave(count, dim=0)
        z, contribution = self._infer(permute_particles(repeated, orders.reshape(-1, _PARTICLES)))
        values = self.flow.log_prob(z).view(n, count).logsumexp(dim=1) - math.log(count)
        # Flat phase space does not depend on the order; -inf inside logsumexp has no gradient.
        return values + contribution.view(n, count)[:, 0]

    def log_prob_ordered(self, x: Tensor) -> Tensor:
        """Log-density [nats] of events in a given order, shape ``(n,)``."""
        z, contribution = self._infer(x)
        return self.flow.log_prob(z) + contribution

    def _infer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Points on the cube of the flow, and the contribution of the chart."""
        total = x.new_zeros(len(x))
        for layer in self._stack:
            x, contribution = layer.inverse(x)
            total = total + contribution
        return x, total

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events, shape ``(n, 8)``; all of them are physical."""
        x = self.flow.sample(n, generator)
        for layer in reversed(self._stack):
            x, _ = layer(x, None, generator)
        keys = torch.rand(n, _PARTICLES, generator=generator, device=x.device)
        return permute_particles(x, keys.argsort(dim=1))


def _chart(name: str) -> tuple[list[Layer], Tensor]:
    """Layers from angles to the cube, and the particle orders that remain to be averaged."""
    orders = list(permutations(range(_PARTICLES)))
    if name == "plain":
        return [PhaseSpace()], torch.tensor(orders)
    if name == "sequential":
        kept = [order for order in orders if order[2] < order[3]]
        return _sequential_chart(), torch.tensor(kept)
    if name == "paired":
        kept = [o for o in orders if o[0] < o[1] and o[0] < o[2] < o[3]]
        return _paired_chart(), torch.tensor(kept)
    raise ValueError(f"unknown chart '{name}'; choose from plain, sequential, paired")


def _without_common_angle(columns: tuple[int, ...]) -> list[int]:
    """Positions of columns of the cube after the first azimuth is dropped."""
    return [c - (c > PHI[0]) for c in columns]


# In both charts the order of the folds matters: a later fold must not change the columns on which
# an earlier fold decides.


def _sequential_chart() -> list[Layer]:
    """RAMBO on diet up to rotation, reflections and the exchange of the last two particles."""
    theta, phi = _without_common_angle(THETA), _without_common_angle(PHI)
    return [
        PhaseSpace(),
        CommonRotation(PHI),
        # Reflection along the beam: beam exchange and parity together.
        Fold(reflected=tuple(theta)),
        # The last two particles are back to back in their rest frame.
        Fold(reflected=(theta[2],), shifted=(phi[2],)),
        # Reflection across the beam: parity and a half turn about the transverse axis.
        Fold(reflected=(phi[1], phi[2])),
    ]


def _paired_chart() -> list[Layer]:
    """Two pairs up to rotation, reflections and all exchanges that keep the pairs together."""
    theta, phi = _without_common_angle(THETA), _without_common_angle(PHI)
    return [
        PairedPhaseSpace(),
        CommonRotation(PHI),
        # The exchange of the pairs reverses the axis and shifts all azimuths about the beam.
        Fold(
            reflected=(_DIFFERENCE, theta[0]),
            shifted=(phi[1], phi[2]),
            exchanged=((theta[1], theta[2]), (phi[1], phi[2])),
        ),
        # Reflection along the beam: beam exchange and parity together.
        Fold(reflected=tuple(theta)),
        # Exchanges within the pairs.
        Fold(reflected=(theta[1],), shifted=(phi[1],)),
        Fold(reflected=(theta[2],), shifted=(phi[2],)),
        # Reflection across the beam: parity and a half turn about the transverse axis.
        Fold(reflected=(phi[1], phi[2])),
    ]


def _start_at_identity(flow: Flow) -> None:
    """Make every spline of a flow the identity for all conditions."""
    for layer in flow.layers:
        if isinstance(layer, AutoregressiveSpline):
            final = layer.made.final
            bias = torch.zeros(layer.made.features, layer.made.outputs)
            bias[:, 2 * layer.bins :] = math.log(math.expm1(1 - SMALLEST_SLOPE))
            nn.init.zeros_(final.weight)
            with torch.no_grad():
                final.bias.copy_(bias.flatten())


def refuse_other_angles(continuous: Sequence[Column], particles: int) -> None:
    """Check that the continuous columns are the angles of four particles.

    Raises:
        ValueError: if they are not; names the columns.
    """
    unit = all(column.support == "unit" for column in continuous)
    if len(continuous) != _FEATURES // _PARTICLES or particles != _PARTICLES or not unit:
        raise ValueError(
            f"this model takes {_PARTICLES} particles with two angle variables in [0, 1] each, not"
            f" {particles} with {[column.name for column in continuous]}; choose another kind"
        )


def phase_space_flow(
    *,
    layout: Layout,
    layers: int,
    bins: int,
    residual_blocks: int,
    units_per_dim: int,
    seed: int,
    chart: str = "paired",
    orders_per_event: int = 1,
) -> PhaseSpaceFlow:
    """Build the flow of four-gluino phase space.

    Args:
        layout: columns of the events, ``layouts.angles``.
        layers: number of autoregressive layers.
        bins: spline bins.
        residual_blocks: residual blocks of each MADE.
        units_per_dim: hidden units per coordinate.
        seed: seed of the weights and of the fixed permutations.
        chart: "paired" (7 coordinates, 3 orders) or "sequential" (7 coordinates, 12 orders), in
            which rotation about the beam, reflections and some exchanges of particles are divided
            out; or "plain" (8 coordinates, 24 orders), RAMBO on diet without symmetries.
        orders_per_event: number of particle orders that the loss averages for each event.

    Raises:
        ValueError: for an unknown chart, wrong columns, or if ``orders_per_event`` is out of range.
    """
    refuse_other_angles(layout.particle, layout.particles)
    if layout.event or layout.sets:
        raise ValueError("this model takes only angles of four particles that are always present")
    return build_kinematics(
        layers=layers,
        bins=bins,
        residual_blocks=residual_blocks,
        units_per_dim=units_per_dim,
        seed=seed,
        chart=chart,
        orders_per_event=orders_per_event,
    )


def build_kinematics(
    *, seed: int, chart: str, orders_per_event: int, **sizes: int
) -> PhaseSpaceFlow:
    """Build the flow of ``phase_space_flow`` without checking the layout."""
    stack, orders = _chart(chart)
    features = _FEATURES - (chart != "plain")
    flow = Flow(spline_layers(features, seed, **sizes), features)
    _start_at_identity(flow)
    return PhaseSpaceFlow(stack, flow, orders, orders_per_event)
