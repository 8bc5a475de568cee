"""How accurate log-densities are: errors of the solver, noise of probes, permuted particles."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from hepdensity.models.diffusion.density import SetDensity
from hepdensity.models.diffusion.likelihood import Integration, log_parts, solver_error, total
from hepdensity.models.layout import Layout

PARTICLES = "particles"


def accuracy(
    model: SetDensity,
    layout: Layout,
    jets: Mapping[str, Tensor],
    settings: Mapping[str, Any],
    generator: Generator,
) -> dict[str, Any]:
    """Measure the accuracy of log-densities on some jets.

    Args:
        model: Trained density.
        layout: Columns of the jets.
        jets: Group -> jets, shape (n, d) each; errors are those of the first group.
        settings: `jets`, the number of jets for errors, and `permutations`, that of one jet.
        generator: Source of probes and permutations.

    Returns:
        `solver_mean` and `solver_rms`: log p minus that of a finer solve [nats per jet];
        `solver_rms_score`: the same of the score of eq. 7; `probe_rms` [nats per jet], noise of
        random probes; `ms_per_jet`; `not_converged`, number of jets; and `permutations`: group ->
        -log p of the particles of its first jet for each order [nats].
    """
    first = next(iter(jets.values()))[: settings["jets"]]
    start = time.perf_counter()
    once = log_parts(model, first, model.integration, generator)
    elapsed = time.perf_counter() - start
    exact = model.integration.without_probes() if model.exact else model.integration
    shift = solver_error(model, first, exact, generator)
    score = _score_error(model, first, exact, generator)
    kept = shift.isfinite()
    return {
        "solver_mean": float(shift[kept].mean()),
        "solver_rms": rms(shift[kept]),
        "solver_rms_score": rms(score[kept]),
        "probe_rms": 0.0 if model.exact else _probe_noise(model, first, once, generator),
        "ms_per_jet": 1e3 * elapsed / len(first),
        "jets": len(first),
        "not_converged": int((~kept).sum()),
        "permutations": {
            group: _permuted(model, layout, rows[:1], settings["permutations"], generator)
            for group, rows in jets.items()
        },
    }


def _score_error(model: SetDensity, jets: Tensor, how: Integration, generator: Generator) -> Tensor:
    """Error of the score of eq. 7 by the solver, shape (n,)."""
    state = generator.get_state()
    coarse = _score(log_parts(model, jets, how, generator), model, jets)
    generator.set_state(state)
    return coarse - _score(log_parts(model, jets, how.finer(), generator), model, jets)


def _score(parts: Mapping[str, Tensor], model: SetDensity, jets: Tensor) -> Tensor:
    _, factors = model.ode_factors(jets)
    number = factors[PARTICLES].points.counts.double()
    return -(total(parts) - parts[PARTICLES]) - parts[PARTICLES] / number


def _probe_noise(
    model: SetDensity, jets: Tensor, once: Mapping[str, Tensor], generator: Generator
) -> float:
    """Root mean square of one estimate, from the difference of two."""
    again = log_parts(model, jets, model.integration, generator)
    return rms(total(once) - total(again)) / math.sqrt(2)


def _permuted(
    model: SetDensity, layout: Layout, jet: Tensor, count: int, generator: Generator
) -> list[float]:
    """-log p of the particles of one jet in random orders of the particles [nats]."""
    _, particles, _, _ = layout.slices
    points = jet[0, particles].reshape(layout.particles, -1)
    number = int((~points[:, 0].isnan()).sum())
    orders = [torch.arange(number)]
    orders += [torch.randperm(number, generator=generator) for _ in range(count - 1)]
    rows = jet.repeat(count, 1)
    for row, order in zip(rows, orders, strict=True):
        row[particles] = torch.cat([points[order], points[number:]]).flatten()
    # The same probes for every order; those of an exact density are none.
    values = []
    for row in rows:
        state = generator.get_state()
        found = log_parts(model, row[None], model.integration, generator)[PARTICLES]
        generator.set_state(state)
        values.append(-float(found))
    return values


def rms(values: Tensor) -> float:
    """Root mean square of values, shape ``(n,)``."""
    return float(values.square().mean().sqrt())
