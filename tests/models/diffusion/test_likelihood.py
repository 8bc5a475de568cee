"""Log-densities by the ODE: closed forms, invariances, normalisation, probes, failures."""

import logging
import math
from typing import Any

import pytest
import torch
from model_events import grid
from point_sets import hollow_network, mixture, point_sets, set_network

from hepdensity.models.diffusion.fields import Field, Points, no_condition
from hepdensity.models.diffusion.likelihood import (
    Factor,
    Integration,
    from_base,
    log_prob,
    solver_error,
    to_base,
)

NETWORKS = {"full": set_network, "hollow": hollow_network}
DIVERGENCE = {"full": "exact", "hollow": "hollow"}
each_network = pytest.mark.parametrize("name", NETWORKS)
FEW = (2, 1, 0)
"""Points of each set where solves are long."""
TIGHT: dict[str, Any] = {"rtol": 1e-8, "atol": 1e-9}


class OneField:
    """A model of a field alone, whose events are the coordinates of its points."""

    def __init__(self, field: Field, condition: float = 0.3) -> None:
        self.field, self.condition = field, condition

    def ode_factors(self, batch: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, Factor]]:
        x = batch.unflatten(1, (-1, 3))
        present = ~x[:, :, 0].isnan()
        condition = torch.full((len(x), 2), self.condition, dtype=x.dtype)
        points = Points(x.nan_to_num(nan=0.0), present, condition)
        return {}, {"points": Factor(self.field, points, torch.zeros(len(x)).double())}


def rows(points: Points) -> torch.Tensor:
    """Sets as rows with NaN for absent points."""
    return points.x.masked_fill(~points.present[:, :, None], torch.nan).flatten(1)


# --- closed forms -------------------------------------------------------------------------------


@pytest.mark.parametrize("divergence", ["exact", "hollow"])
def test_tight_solver_finds_the_density_of_the_mixture(divergence: str) -> None:
    model = mixture()
    x = model.sample(60, torch.Generator().manual_seed(1)).reshape(20, 6).clone()
    x[3, 2:], x[7, 4:], x[9] = torch.nan, torch.nan, torch.nan
    value = log_prob(model, x, solver="adaptive", divergence=divergence, **TIGHT)
    torch.testing.assert_close(value, model.closed_log_prob(x), atol=1e-5, rtol=0)
    assert value[9] == 0


def test_default_solvers_are_near_the_density_of_the_mixture() -> None:
    model = mixture()
    x = model.sample(200, torch.Generator().manual_seed(2))
    exact = model.closed_log_prob(x)
    for solver, steps, largest in (
        ("multistep", 16, 0.1),
        ("multistep", 32, 0.01),
        ("multistep", 64, 1e-3),
        ("adaptive", 32, 1e-2),
    ):
        value = log_prob(model, x, solver=solver, divergence="exact", steps=steps)
        assert (value - exact).square().mean().sqrt() < largest, (solver, steps)


@pytest.mark.parametrize("solver", ["multistep", "adaptive"])
def test_mean_over_probes_is_the_density_of_the_mixture(solver: str) -> None:
    model, numbers = mixture(), torch.Generator().manual_seed(3)
    x = model.sample(12, numbers)
    exact = model.closed_log_prob(x)
    each = torch.stack(
        [
            log_prob(model, x, solver=solver, divergence="hutchinson", generator=numbers, steps=64)
            for _ in range(20)
        ]
    )
    error = each.std(dim=0) / math.sqrt(len(each))
    assert ((each.mean(dim=0) - exact).abs() < 4.5 * error + 2e-3).all()
    assert error.max() > 1e-3


def test_more_probes_are_less_noisy() -> None:
    model, numbers = mixture(), torch.Generator().manual_seed(4)
    x = model.sample(1, numbers).repeat(400, 1)
    spread = [
        log_prob(model, x, divergence="hutchinson", generator=numbers, probes=probes).std()
        for probes in (1, 4)
    ]
    assert 1.6 < spread[0] / spread[1] < 2.5


# --- networks -----------------------------------------------------------------------------------


@each_network
def test_order_and_number_of_places_do_not_matter(name: str) -> None:
    model, points = OneField(NETWORKS[name]()), point_sets()
    how: dict[str, Any] = {"divergence": DIVERGENCE[name], "steps": 12}
    value = log_prob(model, rows(points), **how)
    order = torch.tensor([3, 0, 4, 1, 2])
    turned = Points(points.x[:, order], points.present[:, order], points.condition)
    # Absent points stay last.
    inner = turned.present.long().argsort(dim=1, descending=True, stable=True)
    turned = Points(
        turned.x.gather(1, inner[:, :, None].expand_as(turned.x)),
        turned.present.gather(1, inner),
        points.condition,
    )
    torch.testing.assert_close(log_prob(model, rows(turned), **how), value)
    wider = torch.nn.functional.pad(rows(points), (0, 9), value=torch.nan)
    torch.testing.assert_close(log_prob(model, wider, **how), value)
    assert value[2] == 0
    assert value.unique().numel() == len(value)


def test_hollow_and_exact_divergences_agree() -> None:
    model, batch = OneField(hollow_network()), rows(point_sets())
    exact, hollow = (
        log_prob(model, batch, divergence=divergence, steps=8) for divergence in ("exact", "hollow")
    )
    torch.testing.assert_close(exact, hollow)


@each_network
def test_solvers_agree(name: str) -> None:
    model, batch = OneField(NETWORKS[name]()), rows(point_sets(FEW, 2))
    kind = DIVERGENCE[name]
    fixed = log_prob(model, batch, divergence=kind, steps=80)
    free = log_prob(model, batch, solver="adaptive", divergence=kind, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(fixed, free, atol=2e-3, rtol=0)


def test_events_do_not_matter_to_each_other() -> None:
    model, batch = OneField(set_network()), rows(point_sets(FEW, 2))
    choices: tuple[dict[str, Any], ...] = ({"steps": 8}, {"solver": "adaptive", "rtol": 1e-3})
    for how in choices:
        whole = log_prob(model, batch, **how)
        alone = torch.cat([log_prob(model, row[None], **how) for row in batch])
        torch.testing.assert_close(alone, whole)


@each_network
def test_log_density_of_samples_is_that_of_their_way_back(name: str) -> None:
    """From noise to data and back: the point, and minus the integral, return."""
    field, points = NETWORKS[name](), point_sets(FEW, 2)
    numbers = torch.Generator().manual_seed(5)
    drawn = from_base(field, points, 200, numbers)
    how = Integration("adaptive", DIVERGENCE[name], rtol=1e-5, atol=1e-6)
    value = to_base(field, drawn, how).log_prob
    forward = _density_forwards(field, points, torch.Generator().manual_seed(5))
    torch.testing.assert_close(value, forward, atol=2e-3, rtol=0)


def _density_forwards(field: Field, points: Points, numbers: torch.Generator) -> torch.Tensor:
    """Log-density of the same samples, with the integral taken on the way to the data."""
    from hepdensity.models.diffusion.divergence import exact
    from hepdensity.models.diffusion.fields import END, base_log_prob, base_points
    from hepdensity.models.diffusion.solvers import adaptive

    start = base_points(points, numbers)

    def rate(
        angle: torch.Tensor, x: torch.Tensor, chosen: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        part = points if chosen is None else points.chosen(chosen)
        return exact(field, angle, part.at(x))

    solution = adaptive(rate, start.x, END, 0.0, points.dimensions, 1e-5, 1e-6, 1000)
    return base_log_prob(start) - solution.integral


@pytest.mark.parametrize("count", [1, 2])
def test_densities_integrate_to_one(count: int) -> None:
    """One and two points with one coordinate, on a grid."""
    from point_sets import with_random_weights

    from hepdensity.models.diffusion.networks.hollow import HollowNetwork

    field = with_random_weights(HollowNetwork(1, 0, width=8, blocks=2, heads=2))
    cells, half = (200, 8.0) if count == 1 else (32, 6.0)
    x = half * (2 * grid(cells, count) - 1)
    points = Points(x[:, :, None], torch.ones(len(x), count, dtype=torch.bool), no_condition(x))
    value = to_base(field, points, Integration(divergence="hollow", steps=24)).log_prob
    cell = (2 * half / cells) ** count
    assert float(value.exp().sum() * cell) == pytest.approx(1, abs=5e-3)
    normal = -0.5 * x.square().sum(dim=1) - 0.5 * count * math.log(2 * math.pi)
    assert (value - normal).exp().max() > 1.2


# --- probes, buckets and errors -----------------------------------------------------------------


def test_probes_are_shared_between_models_and_reproducible() -> None:
    """Two models with generators of the same state see the same noise."""
    batch = rows(point_sets(FEW, 2))
    first, second = OneField(set_network()), OneField(set_network(), condition=0.31)

    def noise(model: OneField, seed: int) -> torch.Tensor:
        numbers = torch.Generator().manual_seed(seed)
        noisy = log_prob(model, batch, divergence="hutchinson", generator=numbers, steps=8)
        return noisy - log_prob(model, batch, steps=8)

    assert (noise(first, 1) == noise(first, 1)).all()
    assert (noise(first, 1) - noise(second, 1)).abs().max() < 0.2 * noise(first, 1).abs().max()
    assert (noise(first, 1) - noise(first, 2)).abs().max() > 0.5 * noise(first, 1).abs().max()


def test_error_of_the_solver() -> None:
    model = mixture()
    x = model.sample(50, torch.Generator().manual_seed(6))
    for how in (Integration(steps=16), Integration("adaptive")):
        estimate = solver_error(model, x, how)
        value = log_prob(model, x, solver=how.solver, steps=how.steps)
        true = value - model.closed_log_prob(x)
        assert (estimate - true).square().mean() < 0.1 * true.square().mean()


def test_error_of_the_solver_with_fixed_probes() -> None:
    model, numbers = mixture(), torch.Generator().manual_seed(7)
    x = model.sample(20, numbers)
    noisy = Integration("adaptive", "hutchinson")
    assert solver_error(model, x, noisy, numbers).abs().max() < 0.05


def test_an_event_that_does_not_converge_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    model = mixture()
    x = model.sample(4, torch.Generator().manual_seed(8))
    x[1] = torch.inf
    with caplog.at_level(logging.WARNING):
        value = log_prob(model, x, solver="adaptive")
    assert value.isnan().tolist() == [False, True, False, False]
    assert "points: the ODE of 1 of 4 events did not converge" in caplog.text
    assert log_prob(model, x, solver="adaptive", most_steps=2).isnan().all()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"solver": "euler"}, "unknown solver 'euler'"),
        ({"divergence": "none"}, "unknown divergence 'none'"),
        ({"divergence": "hutchinson"}, "give a generator"),
        ({"steps": 0}, "at least 1"),
        ({"rtol": 0.0}, "above 0"),
        ({"divergence": "hollow"}, "not block-hollow"),
    ],
)
def test_wrong_choices(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log_prob(OneField(set_network()), rows(point_sets()), **choice)
