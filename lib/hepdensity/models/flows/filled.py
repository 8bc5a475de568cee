"""A flow in which noise far away from the data fills the columns of absent particles.

So does the flow of Caron, Hendriks and Verheyen 2021 (arXiv:2106.10164, "Rare and different"):
one flow of all columns, in which "absent" is one more type of a particle.
"""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hepdensity.models.flows.core import Flow
from hepdensity.models.flows.discrete import categorical_coding
from hepdensity.models.flows.places import main_flow, row_places
from hepdensity.models.flows.treated import TreatedModel
from hepdensity.models.layers.coding import Coding
from hepdensity.models.layers.dequantisation import Dequantisation
from hepdensity.models.layers.noise import UniformNoise
from hepdensity.models.layers.standardisation import BOX, LOG_NORM
from hepdensity.models.layout import Layout

FILL_MEAN = -4.0
"""Mean of the noise in standard deviations of the data, within the box of the splines."""

FILL_STD = 0.2
"""Standard deviation of the noise in standard deviations of the data."""


class FilledFlow(TreatedModel):
    """A flow of all columns and dequantised types, with noise in place of absent values.

    With noise f from a density q, log p(x) >= log p(x, f) - log q(f). Presence sets follow from the
    types that the flow draws. Their probabilities are not tractable; `log_probabilities` are the
    frequencies in training.
    """

    coding: Coding
    noisy = True

    def __init__(
        self,
        layout: Layout,
        permutation: str,
        flow: Flow,
        places: Sequence[int | None],
        surjection: Dequantisation,
    ) -> None:
        """Combine the parts.

        Args:
            layout: columns of the events, with presence sets.
            permutation: "none", "stochastic" or "sort".
            flow: flow with a Gaussian base of the continuous columns and those of the codes.
            places: particle of each coordinate of the flow, or None.
            surjection: dequantisation; each code of a particle has one more value, for "absent".
        """
        super().__init__(layout, permutation, flow, places)
        self.surjection = surjection

    def log_conditional(
        self, batch: Tensor, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Bound on the log-density of ordered events given their presence set [nats], ``(n,)``."""
        assert chosen is not None
        codes = self._filled_codes(batch)
        continuous, log_q = _fill(batch[:, : self.layout.continuous], generator)
        z, contribution = self.surjection.inverse(
            torch.cat([continuous, codes.to(batch)], dim=1), None, generator
        )
        value = self.flow.log_prob(z) + contribution - log_q
        return value - self.log_probabilities.to(value)[chosen]

    def _filled_codes(self, batch: Tensor) -> Tensor:
        """Codes in which the number of values means "absent"."""
        codes = self.coding.codes(batch)
        return torch.where(codes < 0, codes.new_tensor(self.coding.counts), codes)

    @torch.no_grad()
    def sample_ordered(
        self, n: int, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Draw ``n`` times and keep events that the layout allows, shape ``(m, d)``.

        Args:
            n: number of draws.
            chosen: presence set of each draw; events of other sets are dropped. None for all sets.
            generator: source of random numbers.
        """
        columns, _ = self.surjection(self.flow.sample(n, generator))
        first, layout = self.layout.continuous, self.layout
        continuous, codes = columns[:, :first], columns[:, first:].long()
        owners = [-1 if place is None else place for place in self.coding.places]
        counts = codes.new_tensor(self.coding.counts)
        absent = torch.zeros(n, layout.particles, dtype=torch.bool, device=codes.device)
        for i, place in enumerate(owners):
            if place >= 0:
                absent[:, place] |= codes[:, i] == counts[i]
        continuous = continuous.masked_fill(
            self._owned(absent, row_places(layout)[:first]), math.nan
        )
        codes = codes.masked_fill(self._owned(absent, self.coding.places), -1)
        shared = codes[:, [i for i, place in enumerate(owners) if place < 0]]
        events = self.coding.events(continuous, codes)
        order = absent.long().argsort(dim=1, stable=True)
        events = self.reorder(events, order)
        present = (~absent).sum(dim=1)
        allowed = present if chosen is None else self.present[chosen]
        valid = (present == allowed) & (present[:, None] == self.present).any(dim=1)
        return events[valid & (shared >= 0).all(dim=1)]

    @staticmethod
    def _owned(absent: Tensor, places: Sequence[int | None]) -> Tensor:
        """Whether the particle of each coordinate is absent, bool, ``(n, coordinates)``."""
        never = torch.zeros_like(absent[:, :1])
        return torch.cat([absent, never], dim=1)[:, [-1 if p is None else p for p in places]]

    def attempt(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` times and keep the valid events, shape ``(m, d)`` with m <= n."""
        return self._attempt(n, None, generator)


def _fill(continuous: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """Continuous columns with noise for NaN, and its log-density [nats], shape ``(n,)``."""
    t = torch.randn(
        continuous.shape, generator=generator, dtype=continuous.dtype, device=continuous.device
    )
    absent, width = continuous.isnan(), FILL_STD / (2 * BOX)
    filled = torch.where(absent, 0.5 + FILL_MEAN / (2 * BOX) + width * t, continuous)
    each = -LOG_NORM - 0.5 * t.square() - math.log(width)
    return filled, torch.where(absent, each, torch.zeros_like(each)).sum(dim=1)


def filled_flow(*, layout: Layout, permutation: str, seed: int, **flow: int) -> FilledFlow:
    """Build the flow with noise for absent particles.

    Args:
        layout: columns of the events, with presence sets and categorical columns.
        permutation: "none", "stochastic" or "sort".
        seed: seed of the weights and of the fixed permutations.
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the flow.

    Raises:
        ValueError: for an unknown treatment, a layout without presence sets or without a
            categorical column of the particles, or columns in [0, 1].
    """
    coding = categorical_coding(layout)
    if not layout.sets or not layout.particle_categorical:
        raise ValueError(
            "kind 'filled' is for particles that have a type and may be absent; choose"
            " 'dequantisation' if all particles are always present"
        )
    pairs = zip(coding.counts, coding.places, strict=True)
    counts = [count + (place is not None) for count, place in pairs]
    noise = UniformNoise(len(counts))
    surjection = Dequantisation(counts, noise, coding.together, spread=1 / (2 * BOX))
    core, places = main_flow(layout, coding.places, seed, 0, flow, "gaussian")
    return FilledFlow(layout, permutation, core, places, surjection)
