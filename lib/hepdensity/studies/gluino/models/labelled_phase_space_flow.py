"""Joint density of kinematics, helicities and colours, p(x) p(h | x) p(c | x, h).

Helicities and then colours are modelled by networks that act on the legs and have the symmetries of
the amplitudes, instead of by one embedding for each of the 7,680 categories. Both conditional
probabilities are exact and normalised, and do not depend on the numbering of the gluinos.
"""

import math

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import DensityModel
from hepdensity.models.flows.core import seeded
from hepdensity.models.layers.coding import Coding
from hepdensity.models.layout import Layout
from hepdensity.numbering import digits, number
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.models.labels import pack, positions_to_order, unpack
from hepdensity.studies.gluino.models.layers.invariants import (
    features,
    outgoing_momenta,
    read_features,
)
from hepdensity.studies.gluino.models.layers.spin_structures import read_structures, spin_structures
from hepdensity.studies.gluino.models.networks.amplitudes import TraceScores
from hepdensity.studies.gluino.models.networks.helicities import HelicityScores
from hepdensity.studies.gluino.models.networks.legs import LEGS, TRACES, Reader
from hepdensity.studies.gluino.models.phase_space_flow import PhaseSpaceFlow, build_kinematics

_LARGEST_CHUNK = 10_000
_LARGEST_MASS = 1 / layouts.GLUINOS
_BITS = [2] * LEGS


class LabelledPhaseSpaceFlow(DensityModel):
    """A flow of the kinematics, followed by networks for helicities and colours.

    Events have the columns of ``layouts.labels``, shape ``(n, 19)``.
    """

    traces: Tensor

    def __init__(
        self,
        kinematics: PhaseSpaceFlow,
        helicities: HelicityScores,
        colours: TraceScores,
        mass: float,
    ) -> None:
        """Combine the three factors.

        Args:
            kinematics: p(x).
            helicities: p(h | x).
            colours: p(c | x, h).
            mass: gluino mass in units of sqrt(s).

        Raises:
            ValueError: if four gluinos of this mass cannot be produced.
        """
        super().__init__()
        if not 0 <= mass < _LARGEST_MASS:
            raise ValueError(
                f"the gluino mass is {mass} sqrt(s), but it must be >= 0 and < 0.25 sqrt(s)"
            )
        self.kinematics, self.helicities, self.colours = kinematics, helicities, colours
        self.mass = mass
        self.coding = Coding(layouts.labels())
        self.register_buffer("traces", torch.tensor(TRACES), persistent=False)

    @property
    def bound(self) -> bool:
        """True, because ``log_prob`` uses one order of the gluinos."""
        return self.kinematics.bound

    def prepare(self, training: Tensor) -> None:
        """Check that the model is made for these events.

        Raises:
            ValueError: for a wrong number of columns, absent particles, unphysical angles or
                invalid labels.
        """
        self.check(training)
        self.kinematics.prepare(training[:, : self.coding.layout.continuous])

    def check(self, batch: Tensor) -> None:
        """Check the labels.

        Raises:
            ValueError: for a wrong number of columns, or an invalid label; names the first event.
        """
        if batch.shape[1] != self.coding.layout.features:
            raise ValueError(
                f"this model takes events of {self.coding.layout.features} columns, not"
                f" {batch.shape[1]}; check the layout of the inputs"
            )
        self.coding.check(batch)

    def factors(self) -> list[list[nn.Module]]:
        """Kinematics, helicities and colours."""
        return [[self.kinematics], [self.helicities], [self.colours]]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihoods of the factors [nats], shape ``(3,)``."""
        angles, *labels = unpack(batch)
        values = self.log_prob_labels(angles, *labels)
        return torch.stack((self.kinematics.loss(angles, generator), *-values.mean(1)))

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative joint log-likelihood [nats] (see ``PhaseSpaceFlow.loss``)."""
        return self.factor_losses(batch, generator).sum()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Joint log-density [nats] from one random order of the gluinos, shape ``(n,)``.

        Raises:
            ValueError: for labels out of range.
        """
        self.check(batch)
        angles, *labels = unpack(batch)
        values = self.log_prob_labels(angles, *labels).sum(0)
        return self.kinematics.log_prob(angles, generator) + values

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Exact joint log-density of ``sample`` [nats], shape ``(n,)``.

        Raises:
            ValueError: for labels out of range.
        """
        self.check(batch)
        angles, *labels = unpack(batch)
        return self.kinematics.log_prob_tight(angles) + self.log_prob_labels(angles, *labels).sum(0)

    def log_prob_labels(self, angles: Tensor, helicities: Tensor, positions: Tensor) -> Tensor:
        """Log-probability of labels at given kinematics.

        Args:
            angles: shape ``(n, 8)``.
            helicities: +1 or -1, shape ``(n, 6)``.
            positions: colour positions, shape ``(n, 5)``.

        Returns:
            log p(h | x) and log p(c | x, h) [nats], shape ``(2, n)``.
        """
        parts = zip(
            *(x.split(_LARGEST_CHUNK) for x in (angles, helicities, positions)), strict=True
        )
        return torch.cat([self._log_prob_labels(*part) for part in parts], dim=1)

    def _log_prob_labels(self, angles: Tensor, helicities: Tensor, positions: Tensor) -> Tensor:
        legs, values = self._legs(angles)
        by_helicity = self.helicities(values)
        by_trace = self.colours(values, spin_structures(legs, helicities))
        chosen = by_helicity.gather(1, number((helicities > 0).long(), _BITS)[:, None])
        # A trace and its reversal share the probability that TRACES gives to both.
        trace = by_trace.gather(1, self._trace_of(positions)[:, None]) - math.log(2)
        return torch.cat((chosen, trace), dim=1).T

    def _legs(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Momenta of the legs and their features, in the precision of the angles."""
        legs = outgoing_momenta(angles, self.mass)
        return legs.to(angles.dtype), features(legs, self.mass).to(angles.dtype)

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` labelled events, shape ``(n, 19)``; all of them are physical and valid."""
        angles = self.kinematics.sample(n, generator)
        parts = [self._draw_labels(part, generator) for part in angles.split(_LARGEST_CHUNK)]
        helicities, positions = (torch.cat(labels) for labels in zip(*parts, strict=True))
        return pack(angles, helicities, positions)

    def _draw_labels(self, angles: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
        """Helicities ``(n, 6)`` and colour positions ``(n, 5)``."""
        n = len(angles)
        legs, values = self._legs(angles)
        code = self.helicities(values).exp().multinomial(1, generator=generator)[:, 0]
        helicities = digits(code, _BITS) * 2 - 1
        by_trace = self.colours(values, spin_structures(legs, helicities)).exp()
        trace = self.traces[by_trace.multinomial(1, generator=generator)[:, 0], 1:]
        reverse = torch.rand(n, 1, generator=generator, device=trace.device) < 0.5
        trace = torch.where(reverse, trace.flip(1), trace)
        return helicities, positions_to_order(trace - 1)

    def _trace_of(self, positions: Tensor) -> Tensor:
        """Row of ``TRACES`` of each event."""
        trace = positions_to_order(positions) + 1
        trace = torch.where(trace[:, :1] < trace[:, -1:], trace, trace.flip(1))
        return (trace[:, None] == self.traces[:, 1:]).all(dim=2).long().argmax(dim=1)


def labelled_phase_space_flow(
    *,
    layout: Layout,
    layers: int,
    bins: int,
    residual_blocks: int,
    units_per_dim: int,
    seed: int,
    chart: str = "paired",
    orders_per_event: int = 1,
    mass: float | None = None,
    helicity_width: int = 32,
    colour_width: int = 32,
    colour_terms: int = 16,
) -> LabelledPhaseSpaceFlow:
    """Build the joint model of four-gluino events.

    Args:
        layout: columns of the events, ``layouts.labels``.
        layers: number of autoregressive layers.
        bins: spline bins.
        residual_blocks: residual blocks of each MADE.
        units_per_dim: hidden units per coordinate.
        seed: seed of the weights and of the fixed permutations.
        chart: coordinates of phase space (see ``phase_space_flow``).
        orders_per_event: number of orders of the gluinos that the loss averages for each event.
        mass: gluino mass in units of sqrt(s); None to take it from the constants of the layout.
        helicity_width: width of the network of helicities.
        colour_width: width of the network of amplitudes.
        colour_terms: number of combinations of spin structures in an amplitude.

    Raises:
        ValueError: for an unknown chart, wrong columns, a missing mass, or if ``orders_per_event``
            or the mass is out of range.
    """
    expected = layouts.labels()
    if (layout.event, layout.particle, layout.particles, layout.codes) != (
        expected.event,
        expected.particle,
        expected.particles,
        expected.codes,
    ):
        raise ValueError(
            "this model takes angles, helicities and colour positions of four gluinos; choose"
            " another kind for other columns"
        )
    if mass is None and "mass" not in layout.constants:
        raise ValueError(
            "this model needs the gluino mass; set `mass` in units of sqrt(s), or add it to the"
            " constants of the layout"
        )
    kinematics = build_kinematics(
        layers=layers,
        bins=bins,
        residual_blocks=residual_blocks,
        units_per_dim=units_per_dim,
        seed=seed,
        chart=chart,
        orders_per_event=orders_per_event,
    )
    with seeded(seed):
        reader = Reader(read_features)
        helicities = HelicityScores(reader, helicity_width)
        colours = TraceScores(reader, Reader(read_structures), colour_width, colour_terms)
    chosen = layout.constants["mass"] if mass is None else mass
    return LabelledPhaseSpaceFlow(kinematics, helicities, colours, chosen)
