"""Log-densities and samples of velocity fields by the probability-flow ODE.

From the data (angle 0) to the Gaussian end (angle pi / 2), d log p / d angle = -div(velocity) along
a trajectory (Chen et al. 2018, arXiv:1806.07366; Song et al. 2021, arXiv:2011.13456), so

    log p(x) = log N(y(pi / 2); 0, 1) + integral of the divergence over the angle.

Absent points are in neither. Sets are solved in buckets of nearly equal numbers of points.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Generator, Tensor

from hepdensity.models.diffusion import divergence as divergences
from hepdensity.models.diffusion.fields import END, Field, Points, base_log_prob, base_points
from hepdensity.models.diffusion.paths import angle_grid
from hepdensity.models.diffusion.solvers import RateFunction, Solution, adaptive, multistep

SOLVERS = ("multistep", "adaptive")
_BUCKET = 128
"""Sets in a bucket; with more, a step no longer fits into the cache of a core."""
_CHUNK = 4096
"""Sets for which probes are kept at a time."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Integration:
    """How to solve the ODE.

    Attributes:
        solver: "multistep" (Adams-Bashforth 3 on a fixed grid, dense at the data) or "adaptive"
            (Dormand-Prince 5(4)).
        divergence: "exact", "hollow" or "hutchinson" (see `divergence`).
        steps: steps of the multistep solver; it takes one evaluation more.
        rtol: relative tolerance of the adaptive solver; the defaults are those of Mikuni and
            Nachman 2024 (arXiv:2306.03933).
        atol: its absolute tolerance.
        most_steps: largest number of steps that it tries.
        probes: probes for each evaluation. They are drawn anew at each step of the multistep
            solver. The adaptive one keeps its probes, because noise would look like an error.
    """

    solver: str = "multistep"
    divergence: str = "exact"
    steps: int = 32
    rtol: float = 1e-4
    atol: float = 5e-5
    most_steps: int = 1000
    probes: int = 1

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            ValueError: for an unknown solver or divergence, or a number out of range.
        """
        if self.solver not in SOLVERS:
            raise ValueError(f"unknown solver '{self.solver}'; choose from {list(SOLVERS)}")
        if self.divergence not in divergences.METHODS:
            known = list(divergences.METHODS)
            raise ValueError(f"unknown divergence '{self.divergence}'; choose from {known}")
        if min(self.steps, self.most_steps, self.probes) < 1 or min(self.rtol, self.atol) <= 0:
            raise ValueError(
                "steps, most_steps and probes must be at least 1 and tolerances above 0, not"
                f" {self.steps}, {self.most_steps}, {self.probes}, {self.rtol} and {self.atol}"
            )

    def finer(self) -> Integration:
        """The same with twice the steps, or with a tenth of the tolerances."""
        return replace(self, steps=2 * self.steps, rtol=self.rtol / 10, atol=self.atol / 10)

    def without_probes(self) -> Integration:
        """The same with an exact divergence."""
        return replace(self, divergence="exact") if self.divergence == "hutchinson" else self


@dataclass(frozen=True)
class Factor:
    """A factor of a density that is an ODE.

    Attributes:
        field: velocity field.
        points: sets of points.
        log_jacobian: log-Jacobian of the coordinates of the points [nats], float64, ``(n,)``.
    """

    field: Field
    points: Points
    log_jacobian: Tensor


class OdeModel(Protocol):
    """A density whose factors are probabilities and ODEs."""

    def ode_factors(self, batch: Tensor) -> tuple[Mapping[str, Tensor], Mapping[str, Factor]]:
        """Log-probabilities of discrete factors [nats], shape ``(n,)``, and the ODEs, by name.

        Args:
            batch: events, shape ``(n, d)``.
        """
        ...


def log_prob(
    model: OdeModel,
    batch: Tensor,
    *,
    solver: str = "multistep",
    divergence: str = "exact",
    generator: Generator | None = None,
    steps: int = 32,
    rtol: float = 1e-4,
    atol: float = 5e-5,
    most_steps: int = 1000,
    probes: int = 1,
) -> Tensor:
    """Log-density of events [nats], float64, shape ``(n,)``.

    An event whose solve does not converge is NaN, and a warning says how many do not. The value of
    an event depends on no other event of the batch, except for rounding and for the probes: these
    depend on the generator, the place of the event in the batch and the shape of the batch only, so
    that two models get the same probes from generators of the same state.

    Args:
        model: density.
        batch: events, shape ``(n, d)``.
        solver: "multistep" or "adaptive".
        divergence: "exact", "hollow" (for block-hollow networks) or "hutchinson".
        generator: source of the probes; needed for "hutchinson" only.
        steps: steps of the multistep solver.
        rtol: relative tolerance of the adaptive solver.
        atol: absolute tolerance of the adaptive solver.
        most_steps: largest number of steps that the adaptive solver tries.
        probes: probes for each evaluation.

    Raises:
        ValueError: for unknown choices, events that the model does not take, a field that is not
            block-hollow, or "hutchinson" without a generator.
    """
    how = Integration(solver, divergence, steps, rtol, atol, most_steps, probes)
    return total(log_parts(model, batch, how, generator))


def log_parts(
    model: OdeModel, batch: Tensor, how: Integration, generator: Generator | None = None
) -> dict[str, Tensor]:
    """Log-density of each factor of a model [nats], float64, shape ``(n,)`` each."""
    parts, factors = model.ode_factors(batch)
    values = {name: part.double() for name, part in parts.items()}
    for name, factor in factors.items():
        solved = to_base(factor.field, factor.points, how, generator)
        missing = int((~solved.converged).sum())
        if missing:
            logger.warning(
                "%s: the ODE of %d of %d events did not converge", name, missing, len(batch)
            )
        values[name] = solved.log_prob + factor.log_jacobian
    return values


def total(parts: Mapping[str, Tensor]) -> Tensor:
    """Sum of the factors, shape ``(n,)``."""
    return torch.stack(list(parts.values())).sum(dim=0)


def solver_error(
    model: OdeModel, batch: Tensor, how: Integration, generator: Generator | None = None
) -> Tensor:
    """Log-density minus that of a finer solve [nats], float64, shape ``(n,)``.

    The finer solve has twice the steps or a tenth of the tolerances (`Integration.finer`). With
    "hutchinson" and the multistep solver, the difference contains the noise of both solves.

    Args:
        model: density.
        batch: events, shape ``(n, d)``.
        how: the solve to judge.
        generator: source of probes; both solves get the same state of it.
    """
    state = None if generator is None else generator.get_state()
    coarse = total(log_parts(model, batch, how, generator))
    if generator is not None and state is not None:
        generator.set_state(state)
    return coarse - total(log_parts(model, batch, how.finer(), generator))


@dataclass(frozen=True)
class Solved:
    """Sets of points solved to the Gaussian end.

    Attributes:
        log_prob: log-density in the coordinates of the points [nats], float64, shape ``(n,)``; NaN
            where the solve did not converge.
        converged: which solves converged, bool, shape ``(n,)``.
        evaluations: evaluations of the field for each set, int64, shape ``(n,)``.
    """

    log_prob: Tensor
    converged: Tensor
    evaluations: Tensor


def to_base(
    field: Field, points: Points, how: Integration, generator: Generator | None = None
) -> Solved:
    """Solve from the data to the Gaussian end.

    Args:
        field: velocity field.
        points: data.
        how: how to solve the ODE.
        generator: source of the probes.

    Raises:
        ValueError: if a generator is missing, or the field is not block-hollow.
    """
    if how.divergence == "hutchinson" and generator is None:
        raise ValueError("divergence 'hutchinson' draws probes; give a generator")
    n = len(points.x)
    value = torch.zeros(n, dtype=torch.float64, device=points.x.device)
    converged = torch.ones(n, dtype=torch.bool, device=points.x.device)
    evaluations = torch.zeros(n, dtype=torch.int64, device=points.x.device)
    for index in torch.arange(n, device=points.x.device).split(_CHUNK):
        drawn = _probes(points.chosen(index), how, generator)
        for bucket in buckets(points.counts[index]):
            here, most = index[bucket], int(points.counts[index[bucket[-1]]])
            part = points.chosen(here, most)
            own = None if drawn is None else drawn[:, :, bucket, :most]
            solution = _solve(field, part, how, own)
            value[here] = base_log_prob(part.at(solution.x)) + solution.integral
            converged[here], evaluations[here] = solution.converged, solution.evaluations
    value[~converged] = torch.nan
    return Solved(value, converged, evaluations)


def from_base(
    field: Field, points: Points, steps: int, generator: Generator | None = None
) -> Points:
    """Draw sets of points of the same sizes and conditions with the multistep solver.

    Args:
        field: velocity field.
        points: sets of which only the sizes and conditions are used.
        steps: steps of the solver.
        generator: source of random numbers.
    """
    start = base_points(points, generator)
    x = torch.zeros_like(points.x)
    grid = angle_grid(steps)[::-1]
    for bucket in buckets(points.counts):
        most = int(points.counts[bucket[-1]])
        part = start.chosen(bucket, most)
        x[bucket, :most] = multistep(_velocity_only(field, part), part.x, grid).x
    return points.at(x)


def buckets(counts: Tensor) -> Iterator[Tensor]:
    """Indices of sets in buckets of rising numbers of points; sets without points are left out."""
    order = counts.argsort(stable=True)
    yield from (part for part in order[counts[order] > 0].split(_BUCKET) if len(part))


def _probes(points: Points, how: Integration, generator: Generator | None) -> Tensor | None:
    """Probes of all evaluations, int8, shape ``(evaluations, probes, n, N, c)``."""
    if how.divergence != "hutchinson" or generator is None:
        return None
    evaluations = how.steps + 1 if how.solver == "multistep" else 1
    shape = (evaluations, how.probes, *points.x.shape)
    return divergences.signs(shape, generator).to(points.x.device)


def _solve(field: Field, points: Points, how: Integration, probes: Tensor | None) -> Solution:
    method = divergences.METHODS[how.divergence]
    calls = 0

    def rate(angle: Tensor, x: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
        nonlocal calls
        own = None if probes is None else probes[calls % len(probes)]
        calls += 1
        part = points
        if chosen is not None:
            part = points.chosen(chosen)
            own = None if own is None else own[:, chosen]
        return method(field, angle, part.at(x), own)

    if how.solver == "multistep":
        return multistep(rate, points.x, angle_grid(how.steps))
    limits = (how.rtol, how.atol, how.most_steps)
    return adaptive(rate, points.x, 0.0, END, points.dimensions, *limits)


def _velocity_only(field: Field, points: Points) -> RateFunction:
    @torch.no_grad()
    def rate(angle: Tensor, x: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
        velocity = points.masked(field(angle, points.at(x)))
        return velocity, torch.zeros(len(x), dtype=torch.float64, device=x.device)

    return rate
