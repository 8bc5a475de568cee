"""Solvers of dx/da = rate(a, x) for sets of points, together with the integral of a divergence.

Both take a function of the angles, shape ``(n,)``, the coordinates, shape ``(n, N, c)``, and the
indices of the sets among all, or None for all. It gives the velocity and the divergence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

RateFunction = Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Solution:
    """The end of a solve.

    Attributes:
        x: coordinates, shape ``(n, N, c)``.
        integral: integral of the divergence over the angle, float64, shape ``(n,)``.
        converged: which sets reached the end, bool, shape ``(n,)``.
        evaluations: evaluations of the rate for each set, int64, shape ``(n,)``.
    """

    x: Tensor
    integral: Tensor
    converged: Tensor
    evaluations: Tensor


def multistep(rate: RateFunction, x: Tensor, grid: Sequence[float]) -> Solution:
    """Adams-Bashforth 3 with variable steps, after a step of Heun's and one of order 2.

    Each step but the first takes one evaluation. The integral of the divergence follows from the
    same weights.

    Args:
        rate: velocity and divergence.
        x: initial coordinates, shape ``(n, N, c)``.
        grid: angles, rising or falling.
    """
    n = len(x)
    total = torch.zeros(n, dtype=torch.float64, device=x.device)
    known: list[tuple[float, Tensor, Tensor]] = []
    for k, (start, stop) in enumerate(pairwise(grid)):
        known = [(start, *rate(x.new_full((n,), start), x, None)), *known[:2]]
        if k == 0:
            guess = x + (stop - start) * known[0][1]
            nodes = [*known, (stop, *rate(x.new_full((n,), stop), guess, None))]
        else:
            nodes = known
        for weight, (_, velocity, divergence) in zip(
            adams_weights([angle for angle, _, _ in nodes], start, stop), nodes, strict=True
        ):
            x = x + weight * velocity
            total = total + weight * divergence
    finite = x.isfinite().flatten(1).all(dim=1) & total.isfinite()
    return Solution(x, total, finite, torch.full_like(finite, len(grid), dtype=torch.int64))


def adams_weights(nodes: Sequence[float], start: float, stop: float) -> list[float]:
    """Weights of values at nodes with which polynomials are integrated from start to stop."""
    step = stop - start
    scaled = (np.asarray(nodes) - start) / step
    powers = np.arange(len(nodes))
    weights = np.linalg.solve(scaled[None, :] ** powers[:, None], 1 / (powers + 1))
    return [float(w) * step for w in weights]


# Dormand and Prince 1980, doi:10.1016/0771-050X(80)90013-3: order 5, with an error of order 4.
_NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES: tuple[tuple[float, ...], ...] = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERRORS = (
    *(71 / 57600, 0.0, -71 / 16695, 71 / 1920),
    *(-17253 / 339200, 22 / 525, -1 / 40),
)
_FIRST_STEP = 0.01
_SAFETY, _SLOWEST, _FASTEST = 0.9, 0.2, 5.0
_SMALLEST_STEP = 1e-7


def adaptive(
    rate: RateFunction,
    x: Tensor,
    start: float,
    stop: float,
    dimensions: Tensor,
    rtol: float,
    atol: float,
    most_steps: int,
) -> Solution:
    """Dormand-Prince 5(4) with steps of its own for each set, which no other set influences.

    The error of a step is the larger one of two: the root mean square over the coordinates of
    error / (atol + rtol |x|), and that of the integral in units of atol + rtol max(|integral|, d).
    So both are controlled, however many coordinates d there are.

    Args:
        rate: velocity and divergence.
        x: initial coordinates, shape ``(n, N, c)``; 0 for absent points.
        start: first angle.
        stop: last angle.
        dimensions: number d of coordinates of each set, shape ``(n,)``.
        rtol: relative tolerance.
        atol: absolute tolerance.
        most_steps: a set that is not at the end after this many tried steps has not converged, nor
            has one whose values are no longer finite or whose steps get too small.
    """
    n, span = len(x), stop - start
    x, total = x.clone(), torch.zeros(n, dtype=torch.float64, device=x.device)
    done = torch.zeros(n, dtype=torch.float64, device=x.device)  # fraction of the way
    step = torch.full_like(done, _FIRST_STEP)
    evaluations = torch.ones(n, dtype=torch.int64, device=x.device)
    active = torch.arange(n, device=x.device)
    velocity, divergence = rate(x.new_full((n,), start), x, None)
    scale = dimensions.double().clamp(min=1)
    for _ in range(most_steps):
        if not len(active):
            break
        h = torch.minimum(step[active], 1 - done[active])
        stages = [(velocity[active], divergence[active])]
        for node, weights in zip(_NODES[1:], _STAGES[1:], strict=True):
            at = (start + span * (done[active] + node * h)).to(x)
            moved = x[active] + _sum(weights, [v for v, _ in stages], span * h)
            stages.append(rate(at, moved, active))
        velocities, divergences = zip(*stages, strict=True)
        added = total[active] + _sum(_STAGES[-1], divergences, span * h)
        of_x = _sum(_ERRORS, velocities, span * h)
        of_total = _sum(_ERRORS, divergences, span * h)
        error = torch.maximum(
            _spread(of_x, x[active], moved, dimensions[active], rtol, atol),
            of_total.abs() / (atol + rtol * torch.maximum(added.abs(), scale[active])),
        )
        evaluations[active] += len(_NODES) - 1
        good = error <= 1
        taken = active[good]
        x[taken], total[taken] = moved[good], added[good]
        velocity[taken], divergence[taken] = velocities[-1][good], divergences[-1][good]
        done[taken] = torch.where(h[good] < 1 - done[taken], done[taken] + h[good], 1.0)
        factor = _SAFETY * error.clamp(min=1e-10) ** -0.2
        step[active] = h * factor.nan_to_num(nan=_SLOWEST).clamp(_SLOWEST, _FASTEST)
        active = active[(done[active] < 1) & (step[active] > _SMALLEST_STEP)]
    return Solution(x, total, done == 1, evaluations)


def _sum(weights: Sequence[float], values: Sequence[Tensor], step: Tensor) -> Tensor:
    """Weighted sum of values, times the step of each set."""
    total = torch.zeros_like(values[0])
    for weight, value in zip(weights, values, strict=False):
        if weight:
            total = total + weight * value
    return total * step.to(total).reshape(-1, *[1] * (total.dim() - 1))


def _spread(
    error: Tensor, before: Tensor, behind: Tensor, dimensions: Tensor, rtol: float, atol: float
) -> Tensor:
    """Root mean square of errors of coordinates in units of the tolerance, shape ``(m,)``."""
    size = torch.maximum(before.abs(), behind.abs())
    squares = (error / (atol + rtol * size)).double().square().sum(dim=(1, 2))
    return (squares / dimensions.clamp(min=1)).sqrt()
