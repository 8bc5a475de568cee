"""Every shared kind learns a known density in a short training.

A wrong sign in a loss, a contribution or a gradient leaves the held-out log-likelihood far from the
truth. Particles are independent: x has the density 4 x^3 and the type is 1 with probability x^2.
"""

from functools import cache
from typing import Any

import pytest
import torch
from model_events import BUILDERS
from torch import Generator, Tensor

from hepdensity.models.base import DensityModel
from hepdensity.models.build import build
from hepdensity.models.layout import Column, Layout, PresenceSet

SIZES = {"layers": 2, "bins": 6, "residual_blocks": 1, "units_per_dim": 6}
P_TWO = 0.6
STEPS, BATCH, HELD_OUT = 200, 500, 4_000
CATEGORICAL = ("argmax", "classifier", "dequantisation", "mixture")


def layout_of(categorical: bool, sets: bool) -> Layout:
    """Two particles, or with sets one or two."""
    types = (Column("type", categories=2),) if categorical else ()
    numbers = (PresenceSet("two", 2, P_TWO), PresenceSet("one", 1, 1 - P_TWO))
    return Layout((), (Column("x"), *types), 2, sets=numbers * sets)


@cache
def truth(categorical: bool, sets: bool, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Events and their true log-density."""
    numbers = Generator().manual_seed(seed)
    u = torch.rand(3, n, 2, generator=numbers, dtype=torch.float64)
    x, log_p = u[0] ** 0.25, 0.75 * u[0].log() + torch.tensor(4.0).log()
    kinds = (u[1] < x.square()).double()
    if categorical:
        log_p += torch.where(kinds > 0, x.square(), 1 - x.square()).log()
    total = log_p.sum(dim=1)
    if sets:
        one = u[2, :, 0] > P_TWO
        x[one, 1], kinds[one, 1] = torch.nan, torch.nan
        p = torch.tensor([P_TWO, 1 - P_TWO], dtype=torch.float64)[one.long()]
        total = torch.where(one, log_p[:, 0], total) + p.log()
    return torch.cat([x, kinds], dim=1) if categorical else x, total


def log_of_uniform(categorical: bool, events: Tensor) -> Tensor:
    """Log-density of independent columns with equal probabilities, and of the true sets."""
    two = ~events.isnan().any(dim=1)
    p_two = two.double().mean()
    log_sets = 0.0 if two.all() else torch.where(two, p_two, 1 - p_two).log()
    per_particle = -torch.tensor(2.0).log() * categorical
    return torch.where(two, 2, 1) * per_particle + log_sets


def trained(kind: str, sets: bool, settings: dict[str, Any]) -> DensityModel:
    categorical = kind in CATEGORICAL
    model = build(BUILDERS[kind], layout_of(categorical, sets), 2, {**SIZES, **settings})
    assert isinstance(model, DensityModel)
    events = truth(categorical, sets, 20_000, 1)[0].float()
    model.prepare(events)
    numbers = Generator().manual_seed(3)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = 1e-2 * (1 - step / STEPS)
        chosen = torch.randint(len(events), (BATCH,), generator=numbers)
        optimiser.zero_grad()
        model.loss(events[chosen], numbers).backward()
        optimiser.step()
    return model


@pytest.mark.parametrize(
    ("kind", "sets", "settings", "distance"),
    [
        ("flow", False, {"permutation": "none"}, 0.1),
        ("flow", False, {"permutation": "stochastic"}, 0.1),
        ("flow", False, {"permutation": "sort"}, 0.15),
        ("dropout", True, {"permutation": "stochastic", "objective": "likelihood"}, 0.1),
        ("dropout", True, {"permutation": "sort", "objective": "balanced"}, 0.1),
        ("dequantisation", False, {"permutation": "none", "noise": "uniform"}, 0.15),
        ("dequantisation", True, {"permutation": "stochastic", "noise": "flow"}, 0.15),
        ("argmax", False, {"permutation": "none", "noise": "uniform"}, 0.15),
        ("argmax", True, {"permutation": "stochastic", "noise": "flow"}, 0.15),
        ("mixture", False, {"permutation": "stochastic", "objective": "balanced"}, 0.1),
        ("mixture", True, {"permutation": "stochastic", "objective": "likelihood"}, 0.1),
        ("classifier", False, {"permutation": "stochastic", "hidden": (16, 16)}, 0.1),
        ("classifier", True, {"permutation": "sort", "hidden": (16, 16)}, 0.15),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_held_out_log_likelihood_comes_close_to_the_truth(
    kind: str, sets: bool, settings: dict[str, Any], distance: float, generator: Generator
) -> None:
    model = trained(kind, sets, settings)
    events, log_p = truth(kind in CATEGORICAL, sets, HELD_OUT, 7)
    # Without training the distance is above 0.8.
    assert (log_p - log_of_uniform(kind in CATEGORICAL, events)).mean() > 0.8
    with torch.no_grad():
        found = model.log_prob_tight(events.float(), None if model.exact else 8, generator)
    gap = log_p - found.double()
    error = gap.std().item() / HELD_OUT**0.5
    assert -4 * error < gap.mean().item() < distance
