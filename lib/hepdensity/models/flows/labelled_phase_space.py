"""Joint density of kinematics, helicities and colours, p(x) p(h | x) p(c | x, h).

The labels follow one after the other from networks on the legs, with the symmetries of the
amplitudes, instead of from one embedding for each of 7,680 categories. Both conditionals are exact
and normalised, and do not depend on how the gluinos are labelled.
"""

import math

import torch
from torch import Generator, Tensor

from hepdensity.models.base import DensityModel
from hepdensity.models.flows.flow import seeded
from hepdensity.models.flows.phase_space import PhaseSpaceFlow, phase_space_flow
from hepdensity.models.layers.invariants import PAIR_FEATURES, pair_features
from hepdensity.models.layers.labels import (
    check_labels,
    gluinos_of,
    helicity_code,
    helicity_decode,
    pack,
    positions_to_order,
    unpack,
)
from hepdensity.models.networks.legs import LEGS, PAIRS, TRACES, HelicityScores, TraceScores

_GLUINOS = 4


class LabelledPhaseSpaceFlow(DensityModel):
    """A flow of the kinematics with networks for helicities and colours behind it.

    Events are laid out as in ``layers.labels``, shape ``(n, 19)``.
    """

    first: Tensor
    second: Tensor
    traces: Tensor

    def __init__(
        self, kinematics: PhaseSpaceFlow, helicities: HelicityScores, colours: TraceScores
    ) -> None:
        """Join the three factors."""
        super().__init__()
        self.kinematics, self.helicities, self.colours = kinematics, helicities, colours
        for name, side in zip(("first", "second"), zip(*PAIRS, strict=True), strict=True):
            self.register_buffer(name, torch.tensor(side), persistent=False)
        self.register_buffer("traces", torch.tensor(TRACES), persistent=False)

    @property
    def bound(self) -> bool:
        """True: ``log_prob`` sees one order of the gluinos."""
        return self.kinematics.bound

    def prepare(self, training: Tensor) -> None:
        """Refuse events that this model is not for.

        Raises:
            ValueError: for unlabelled events, dropped dimensions, unphysical angles, or labels that
                are none.
        """
        if gluinos_of(training) != _GLUINOS:
            raise ValueError(
                f"this model is for {_GLUINOS} gluinos, the events have {gluinos_of(training)}"
            )
        self.kinematics.prepare(training[:, : 2 * _GLUINOS])
        check_labels(training)

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative joint log-likelihood [nats]; see ``PhaseSpaceFlow.loss``."""
        angles, helicities, positions = unpack(batch)
        labels = self.log_prob_labels(angles, helicities, positions)
        return self.kinematics.loss(angles, generator) - labels.mean()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Joint log-density [nats] from one random order of the gluinos, shape ``(n,)``.

        Raises:
            ValueError: for labels that are none.
        """
        check_labels(batch)
        angles, *labels = unpack(batch)
        return self.kinematics.log_prob(angles, generator) + self.log_prob_labels(angles, *labels)

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Exact joint log-density of ``sample`` [nats], shape ``(n,)``.

        Raises:
            ValueError: for labels that are none.
        """
        check_labels(batch)
        angles, *labels = unpack(batch)
        return self.kinematics.log_prob_tight(angles) + self.log_prob_labels(angles, *labels)

    def log_prob_labels(self, angles: Tensor, helicities: Tensor, positions: Tensor) -> Tensor:
        """Log-probability of labels at given kinematics.

        Args:
            angles: shape ``(n, 8)``.
            helicities: +1 or -1, shape ``(n, 6)``.
            positions: colour positions, shape ``(n, 5)``.

        Returns:
            log p(h | x) + log p(c | x, h) [nats], shape ``(n,)``.
        """
        features = pair_features(angles)
        by_helicity = self.helicities(features)
        by_trace = self.colours(self._with_helicities(features, helicities))
        chosen = by_helicity.gather(1, helicity_code(helicities)[:, None])
        # A trace and its reversal share what TRACES gives to both.
        trace = by_trace.gather(1, self._trace_of(positions)[:, None]) - math.log(2)
        return (chosen + trace)[:, 0]

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` labelled events, shape ``(n, 19)``; all of them are physical and valid."""
        angles = self.kinematics.sample(n, generator)
        features = pair_features(angles)
        code = self.helicities(features).exp().multinomial(1, generator=generator)[:, 0]
        helicities = helicity_decode(code, LEGS)
        by_trace = self.colours(self._with_helicities(features, helicities)).exp()
        trace = self.traces[by_trace.multinomial(1, generator=generator)[:, 0], 1:]
        reverse = torch.rand(n, 1, generator=generator, device=trace.device) < 0.5
        trace = torch.where(reverse, trace.flip(1), trace)
        return pack(angles, helicities, positions_to_order(trace - 1))

    def _with_helicities(self, features: Tensor, helicities: Tensor) -> Tensor:
        products = helicities[:, self.first] * helicities[:, self.second]
        return torch.cat((features, products[..., None].to(features.dtype)), dim=-1)

    def _trace_of(self, positions: Tensor) -> Tensor:
        """Row of ``TRACES`` of each event."""
        trace = positions_to_order(positions) + 1
        trace = torch.where(trace[:, :1] < trace[:, -1:], trace, trace.flip(1))
        return (trace[:, None] == self.traces[:, 1:]).all(dim=2).long().argmax(dim=1)


def labelled_phase_space_flow(
    *,
    layers: int,
    bins: int,
    residual_blocks: int,
    units_per_dim: int,
    seed: int,
    chart: str = "paired",
    orders_per_event: int = 1,
    label_width: int = 48,
    label_rounds: int = 2,
) -> LabelledPhaseSpaceFlow:
    """Build the joint model of four-gluino events.

    Args:
        layers: number of autoregressive layers.
        bins: spline bins.
        residual_blocks: residual blocks of each MADE.
        units_per_dim: hidden units per coordinate.
        seed: seed of the weights and of the fixed permutations.
        chart: coordinates of phase space, see ``phase_space_flow``.
        orders_per_event: orders of the gluinos that the loss averages over for each event.
        label_width: width of the networks on the legs.
        label_rounds: rounds of these networks.

    Raises:
        ValueError: for an unknown chart, or if ``orders_per_event`` is out of range.
    """
    kinematics = phase_space_flow(
        layers=layers,
        bins=bins,
        residual_blocks=residual_blocks,
        units_per_dim=units_per_dim,
        seed=seed,
        chart=chart,
        orders_per_event=orders_per_event,
    )
    with seeded(seed):
        helicities = HelicityScores(PAIR_FEATURES, label_width, label_rounds)
        colours = TraceScores(PAIR_FEATURES + 1, label_width, label_rounds)
    return LabelledPhaseSpaceFlow(kinematics, helicities, colours)
