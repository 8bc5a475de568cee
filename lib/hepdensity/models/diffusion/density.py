"""Density of events with points: log p(N) + log p(event | N) + log p(particles | event, N).

The number N of particles is categorical. The event columns and the particles are factors with a
velocity field each (see `fields`), which share no weights. The density of the particles does not
depend on their order. It is that of N labelled particles; that of sets would be N! times as large.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.diffusion.fields import Field, Points
from hepdensity.models.diffusion.likelihood import (
    Factor,
    Integration,
    from_base,
    log_parts,
    total,
)
from hepdensity.models.diffusion.losses import OBJECTIVES
from hepdensity.models.diffusion.networks.hollow import HollowNetwork
from hepdensity.models.diffusion.networks.residual import ResidualNetwork
from hepdensity.models.diffusion.networks.sets import SetNetwork
from hepdensity.models.factorised import FactorisedDensity
from hepdensity.models.layers.standardisation import Standardisation
from hepdensity.models.layout import Layout
from hepdensity.models.networks.initial import seeded

NUMBER, EVENT, PARTICLES = "N", "event", "particles"
NETWORKS = {"full": SetNetwork, "hollow": HollowNetwork}
_VALIDATED = 1000
"""Events of a pass without gradients, whose attention would else take gigabytes."""


class SetDensity(FactorisedDensity):
    """A density of continuous event columns and of a varying number of exchangeable particles."""

    log_numbers: Tensor
    numbers: Tensor
    number_scale: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(
        self,
        layout: Layout,
        objective: str,
        event: Field | None,
        particle: Field | None,
        integration: Integration,
        smoothing: float,
    ) -> None:
        """Combine the parts.

        Args:
            layout: columns of the events.
            objective: name of the objective (see `losses`).
            event: field of the event columns, if there are any.
            particle: field of the particles, if there are any.
            integration: how ``log_prob`` and ``sample`` solve the ODEs.
            smoothing: events that are added to the count of each number of particles.

        Raises:
            ValueError: for columns that are not real numbers, or an unknown objective.
        """
        super().__init__()
        _refuse(layout)
        if objective not in OBJECTIVES:
            raise ValueError(f"unknown objective '{objective}'; choose from {list(OBJECTIVES)}")
        self.layout, self.objective = layout, OBJECTIVES[objective]
        self.event, self.particle = event, particle
        self.integration, self._smoothing = integration, smoothing
        self.standardisation = Standardisation(layout, linear=True)
        sets = [chosen.particles for chosen in layout.sets] or [layout.particles]
        self.register_buffer("numbers", torch.tensor(sets), persistent=False)
        for name, size in (
            ("log_numbers", len(sets)),
            ("number_scale", 2),
            ("lowest", _conditions(layout)),
            ("highest", _conditions(layout)),
        ):
            self.register_buffer(name, torch.full((size,), torch.nan, dtype=torch.float64))

    # --- what is counted ------------------------------------------------------------------------

    def prepare(self, training: Tensor) -> None:
        """Count numbers of particles, and means, spreads and ranges of the columns.

        Raises:
            ValueError: if the events do not fit the layout, or a column is infinite or constant.
        """
        chosen = self._sets_of(training)
        self.standardisation.count(training)
        given = [one.probability for one in self.layout.sets]
        known = torch.tensor([p for p in given if p is not None], dtype=torch.float64)
        counts = torch.bincount(chosen, minlength=len(self.numbers)).double() + self._smoothing
        weights = known if len(known) else counts / counts.sum()
        self.log_numbers.copy_(weights.log())
        number = self.numbers[chosen].double()
        spread = number.std() if len(number) > 1 and number.std() > 0 else torch.ones(())
        self.number_scale.copy_(torch.stack([number.mean(), spread.to(number)]))
        conditions = self._unclamped(training.double(), number)
        self.lowest.copy_(conditions.amin(dim=0))
        self.highest.copy_(conditions.amax(dim=0))

    @property
    def log_probabilities(self) -> Tensor:
        """Log-probability of each presence set [nats], shape ``(sets,)``."""
        if self.log_numbers.isnan().any():
            raise ValueError("nothing has been counted; call prepare(training) first")
        return self.log_numbers

    # --- density --------------------------------------------------------------------------------

    @property
    def bound(self) -> bool:
        """The density is that of the samples."""
        return False

    @property
    def exact(self) -> bool:
        """Whether no probes are drawn; else log-densities are unbiased estimates."""
        return self.integration.divergence != "hutchinson"

    def factors(self) -> list[list[nn.Module]]:
        """The field of the event columns, and that of the particles."""
        return [[field] for field in (self.event, self.particle) if field is not None]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Objectives of the factors, shape ``(factors,)``; see `losses` for their units."""
        if torch.is_grad_enabled():
            return self._losses(batch, generator)
        parts = batch.split(_VALIDATED)
        losses = [self._losses(part, generator) * len(part) for part in parts]
        return torch.stack(losses).sum(dim=0) / len(batch)

    def _losses(self, batch: Tensor, generator: Generator | None) -> Tensor:
        _, factors = self.ode_factors(batch)
        return torch.stack(
            [
                self.objective.loss(factor.field, factor.points, generator)
                for factor in factors.values()
            ]
        )

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Sum of the objectives of the factors."""
        return self.factor_losses(batch, generator).sum()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats], shape ``(n,)``; NaN where a solve did not converge."""
        return total(self.log_parts(batch, generator))

    def log_parts(self, batch: Tensor, generator: Generator | None = None) -> dict[str, Tensor]:
        """Log-density of each factor [nats], float64, shape ``(n,)`` each.

        The factors are `N` (a probability), `event` and `particles`, as far as the layout has them.

        Args:
            batch: events, shape ``(n, d)``.
            generator: source of the probes, if the divergence is "hutchinson".

        Raises:
            ValueError: if the events do not fit the layout.
        """
        return log_parts(self, batch, self.integration, generator)

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Log-density without probes [nats], shape ``(n,)``: that of "hutchinson" is exact here."""
        return total(log_parts(self, batch, self.integration.without_probes(), generator))

    def ode_factors(self, batch: Tensor) -> tuple[Mapping[str, Tensor], Mapping[str, Factor]]:
        """Log p(N) of each event [nats], and the ODEs of its columns and of its particles."""
        chosen = self._sets_of(batch)
        number = self.numbers[chosen]
        conditions = self._conditions(batch, number)
        log_jacobian = -self.standardisation.std.log()
        parts = {NUMBER: self.log_probabilities[chosen]}
        factors = {}
        columns, particles, _, _ = self.layout.slices
        unit = self._unit(batch)
        if self.event is not None:
            whole = torch.ones(len(batch), 1, dtype=torch.bool, device=batch.device)
            points = Points(unit[:, None, columns], whole, conditions[:, columns.stop :])
            own = log_jacobian[columns].sum().expand(len(batch))
            factors[EVENT] = Factor(self.event, points, own)
        if self.particle is not None:
            x = unit[:, particles].unflatten(1, (self.layout.particles, -1))
            absent = x[:, :, 0].isnan()
            most = int(number.max()) if len(number) else 0
            x = x.nan_to_num(nan=0.0)[:, :most]
            points = Points(x, ~absent[:, :most], conditions)
            width = x.shape[2]
            own = log_jacobian[particles][:width].sum() * number
            factors[PARTICLES] = Factor(self.particle, points, own)
        return parts, factors

    # --- coordinates ----------------------------------------------------------------------------

    def _unit(self, batch: Tensor) -> Tensor:
        """Columns with mean 0 and variance 1 in training."""
        mean, std = self.standardisation.mean, self.standardisation.std
        return ((batch.double() - mean) / std).to(batch)

    def _unclamped(self, batch: Tensor, number: Tensor) -> Tensor:
        """Event columns and number of particles with mean 0 and variance 1 in training."""
        events = self._unit(batch)[:, : self.layout.slices[0].stop]
        if len(self.numbers) == 1:
            return events
        mean, std = self.number_scale
        return torch.cat([events, ((number - mean) / std).to(batch)[:, None]], dim=1)

    def _conditions(self, batch: Tensor, number: Tensor) -> Tensor:
        """Conditions of the particles, within the range of the training events."""
        values = self._unclamped(batch, number)
        return torch.clamp(values, self.lowest.to(values), self.highest.to(values))

    def _sets_of(self, batch: Tensor) -> Tensor:
        """Presence set of each event, int64, shape ``(n,)``.

        Raises:
            ValueError: if the events do not fit the layout; names the first such event.
        """
        if batch.dim() != 2 or batch.shape[1] != self.layout.features:
            raise ValueError(
                f"this model takes events of {self.layout.features} columns, not of shape"
                f" {tuple(batch.shape)}; check the layout of the inputs"
            )
        columns, particles, _, _ = self.layout.slices
        _first(batch[:, columns].isnan().any(dim=1), "has NaN in its event columns")
        if not self.layout.particles:
            return torch.zeros(len(batch), dtype=torch.int64, device=batch.device)
        absent = batch[:, particles].isnan().unflatten(1, (self.layout.particles, -1))
        gone = absent.any(dim=2)
        number = (~gone).sum(dim=1)
        places = torch.arange(self.layout.particles, device=batch.device)
        torn = (absent.all(dim=2) != gone) | (gone != (places >= number[:, None]))
        _first(
            torn.any(dim=1),
            "has absent values (NaN) that are not those of its last particles; present particles"
            " come first, and absent ones are NaN in all their columns",
        )
        matches = number[:, None] == self.numbers
        _first(
            ~matches.any(dim=1),
            "has a number of particles that is none of the layout's presence sets",
        )
        return matches.long().argmax(dim=1)

    # --- samples --------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events, shape ``(n, d)``."""
        weights = self.log_probabilities.exp()
        return self._sample(weights.multinomial(n, True, generator=generator), generator)

    @torch.no_grad()
    def sample_set(self, n: int, chosen: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events of one presence set, shape ``(n, d)``.

        Raises:
            ValueError: if there is no such set.
        """
        if not 0 <= chosen < len(self.numbers):
            raise ValueError(
                f"there is no presence set {chosen}; the layout has {self.layout.sets}"
            )
        return self._sample(torch.full((n,), chosen, device=self.numbers.device), generator)

    def _sample(self, chosen: Tensor, generator: Generator | None) -> Tensor:
        like = next(self.parameters())
        number = self.numbers[chosen]
        events = torch.zeros(len(chosen), self.layout.features, dtype=like.dtype).to(like)
        columns, particles, _, _ = self.layout.slices
        absent = torch.arange(self.layout.particles, device=like.device) >= number[:, None]
        width = len(self.layout.particle)
        events[:, particles] = events[:, particles].masked_fill(
            absent.repeat_interleave(width, dim=1), torch.nan
        )
        for name, part in ((EVENT, columns), (PARTICLES, particles)):
            # The particles are drawn given the columns of the event, which are drawn before.
            factor = self.ode_factors(events)[1].get(name)
            if factor is None:
                continue
            drawn = from_base(factor.field, factor.points, self.integration.steps, generator)
            mean, std = (
                values[part].to(like)
                for values in (self.standardisation.mean, self.standardisation.std)
            )
            found = drawn.x.flatten(1)
            places = slice(part.start, part.start + found.shape[1])
            size = found.shape[1]
            events[:, places] += found * std[:size] + mean[:size]
        return events


def _refuse(layout: Layout) -> None:
    """Check that all columns are real numbers."""
    for column in (*layout.event, *layout.particle):
        if column.categories is not None or column.support != "real":
            what = "categorical" if column.categories is not None else "within [0, 1]"
            raise ValueError(
                f"column '{column.name}' is {what}, but diffusion takes real numbers only; choose"
                " another kind of model or other columns"
            )


def _conditions(layout: Layout) -> int:
    """Number of conditions of the particles."""
    return len(layout.event) + (len(layout.sets) > 1)


def _first(wrong: Tensor, problem: str) -> None:
    """Raise a ValueError with the first event that has the problem, counted from 1."""
    if wrong.any():
        raise ValueError(f"event {int(wrong.nonzero()[0]) + 1} {problem}")


def set_density(
    *,
    layout: Layout,
    seed: int,
    objective: str,
    network: str = "full",
    width: int = 48,
    blocks: int = 2,
    attention_heads: int = 4,
    event_width: int = 64,
    event_blocks: int = 2,
    solver: str = "multistep",
    steps: int = 32,
    divergence: str | None = None,
    probes: int = 1,
    smoothing: float = 0.5,
) -> SetDensity:
    """Build a density of events with points.

    Args:
        layout: columns of the events, all of them real numbers.
        seed: seed of the initial weights.
        objective: "standard", "maximum-likelihood" or "flow-matching".
        network: "full" (DeepSets and transformer) or "hollow" (its divergence is cheap).
        width: width of the states of the particles.
        blocks: attention blocks.
        attention_heads: attention heads of each block; they divide the width.
        event_width: width of the states of the event columns.
        event_blocks: residual blocks of the event columns.
        solver: "multistep" or "adaptive".
        steps: steps of the multistep solver.
        divergence: "exact", "hollow" or "hutchinson"; by default "hollow" for such a network and
            "exact" for another one.
        probes: probes for each evaluation, with "hutchinson".
        smoothing: events that are added to the count of each number of particles.

    Raises:
        ValueError: for unknown choices, or columns that are not real numbers.
    """
    if network not in NETWORKS:
        raise ValueError(f"unknown network '{network}'; choose from {list(NETWORKS)}")
    if divergence is None:
        divergence = "hollow" if network == "hollow" else "exact"
    if divergence == "hollow" and network != "hollow":
        raise ValueError("divergence 'hollow' needs network 'hollow', not 'full'")
    integration = Integration(solver, divergence, steps, probes=probes)
    numbers = int(len(layout.sets) > 1)
    event = particle = None
    with seeded(seed):
        if layout.event:
            event = ResidualNetwork(len(layout.event), numbers, event_width, event_blocks)
        if layout.particle:
            sizes = (width, blocks, attention_heads)
            particle = NETWORKS[network](len(layout.particle), _conditions(layout), *sizes)
    return SetDensity(layout, objective, event, particle, integration, smoothing)
