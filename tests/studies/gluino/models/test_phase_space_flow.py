"""The flow in phase-space coordinates as a density of four-gluino events."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor

from hepdensity.models.base import symmetrised
from hepdensity.models.build import build
from hepdensity.models.layers.autoregressive import AutoregressiveSpline
from hepdensity.models.layout import Layout
from hepdensity.physics.gluino import Normalisation, TrueDensity
from hepdensity.physics.phase_space import log_flat_density, momenta_to_angles, rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.models.phase_space_flow import PhaseSpaceFlow, phase_space_flow

CHARTS = ["plain", "sequential", "paired"]
SIZE: dict[str, Any] = {"layers": 2, "bins": 6, "residual_blocks": 1, "units_per_dim": 4}


def flow(chart: str = "paired", orders_per_event: int = 1, trained: bool = True) -> PhaseSpaceFlow:
    """A small flow; if `trained`, it is not the identity."""
    model = phase_space_flow(
        layout=layouts.angles(), **SIZE, seed=1, chart=chart, orders_per_event=orders_per_event
    ).double()
    generator = torch.Generator().manual_seed(2)
    for layer in model.flow.layers:
        if trained and isinstance(layer, AutoregressiveSpline):
            final = layer.made.final
            noise = torch.randn(final.weight.shape, generator=generator, dtype=torch.float64)
            final.weight.data += 0.3 * noise * final.mask
    return model


def events(n: int, seed: int = 3) -> Tensor:
    return momenta_to_angles(rambo(n, 4, 1.0, 0.0, torch.Generator().manual_seed(seed))[0])


def rotate(x: Tensor) -> Tensor:
    return torch.where(torch.arange(8) % 2 == 1, (x + 0.3) % 1, x)


def reflect_along(x: Tensor) -> Tensor:
    return torch.where(torch.arange(8) % 2 == 0, 1 - x, x)


def reflect_across(x: Tensor) -> Tensor:
    return torch.where(torch.arange(8) % 2 == 1, 1 - x, x)


def exchange(x: Tensor) -> Tensor:
    return x.view(-1, 4, 2)[:, [2, 0, 3, 1]].flatten(1)


SYMMETRIES = [rotate, reflect_along, reflect_across, exchange]


@pytest.mark.parametrize("chart", CHARTS)
def test_begins_at_flat_phase_space(chart: str) -> None:
    x = events(50)
    with torch.no_grad():
        values = flow(chart, trained=False).log_prob_tight(x)
    torch.testing.assert_close(values, log_flat_density(x), atol=1e-6, rtol=0)


@pytest.mark.parametrize("chart", CHARTS)
def test_exact_density_integrates_to_one(chart: str) -> None:
    x = events(20_000)
    with torch.no_grad():
        ratio = (flow(chart).log_prob_tight(x) - log_flat_density(x)).exp()
    assert ratio.std() > 0.1
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / len(x) ** 0.5


@pytest.mark.parametrize("chart", CHARTS)
def test_samples_follow_the_exact_density(chart: str) -> None:
    model, n, cells = flow(chart), 20_000, 8
    x = model.sample(n, torch.Generator().manual_seed(1))
    reference = events(n, seed=4)
    with torch.no_grad():
        assert model.log_prob_tight(x[:500]).isfinite().all()
        weights = (model.log_prob_tight(reference) - log_flat_density(reference)).exp()
    for column in (0, 3, 6):
        found = torch.histc(x[:, column], cells, 0, 1)
        index = (reference[:, column] * cells).long().clamp(max=cells - 1)
        expected = torch.zeros(cells, dtype=x.dtype).index_add_(0, index, weights)
        variance = torch.zeros(cells, dtype=x.dtype).index_add_(0, index, weights.square())
        assert ((found - expected).square() < 16 * (found + variance)).all()


@pytest.mark.parametrize("chart", ["sequential", "paired"])
@pytest.mark.parametrize("symmetry", SYMMETRIES, ids=lambda s: s.__name__)
def test_density_has_the_symmetries(symmetry: Callable[[Tensor], Tensor], chart: str) -> None:
    model, x = flow(chart), events(30)
    with torch.no_grad():
        torch.testing.assert_close(model.log_prob_tight(symmetry(x)), model.log_prob_tight(x))


@pytest.mark.parametrize("symmetry", SYMMETRIES, ids=lambda s: s.__name__)
def test_the_truth_has_the_symmetries(symmetry: Callable[[Tensor], Tensor]) -> None:
    truth = TrueDensity(3000.0, 600.0, Normalisation(1.0, 0.0, 2, 4, 3000.0, 600.0))
    x = events(30)
    torch.testing.assert_close(truth.log_prob(symmetry(x)), truth.log_prob(x))


@pytest.mark.parametrize("chart", CHARTS)
def test_exact_density_is_the_mean_over_all_orders(chart: str) -> None:
    model, x = flow(chart), events(10)
    with torch.no_grad():
        expected = symmetrised(model.log_prob_ordered, x, 4)
        torch.testing.assert_close(model.log_prob_tight(x), expected)


def test_more_orders_raise_the_bound_to_the_exact_value() -> None:
    model, x = flow("sequential"), events(1000)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        exact = model.log_prob_tight(x).mean()
        bounds = [model.log_prob_averaged(x, k, generator).mean() for k in (1, 3, 6)]
    assert bounds[0] < bounds[1] < bounds[2] < exact
    assert model.bound


def test_loss_with_all_orders_is_the_exact_likelihood() -> None:
    model, x = flow(orders_per_event=3), events(50)
    loss = model.loss(x)
    loss.backward()
    torch.testing.assert_close(loss, -model.log_prob_tight(x).mean())
    assert all(p.grad is not None for p in model.parameters())


def test_orders_of_an_event_are_different_ones() -> None:
    model = flow("plain", orders_per_event=24)
    drawn = {tuple(order) for order in model.orders.tolist()}
    assert drawn == set(permutations(range(4)))
    x = events(20)
    exact = model.log_prob_tight(x)
    torch.testing.assert_close(model.log_prob_averaged(x, 24, torch.Generator()), exact)


def test_unphysical_points_have_no_density(generator: torch.Generator) -> None:
    x = torch.rand(200, 8, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        values = flow().log_prob_tight(x)
    assert torch.equal(values.isneginf(), log_flat_density(x).isneginf())


def test_unphysical_points_do_not_count_in_the_loss(generator: torch.Generator) -> None:
    model, x = flow(orders_per_event=3), events(50)
    noise = torch.rand(50, 8, generator=generator, dtype=torch.float64)
    unphysical = noise[log_flat_density(noise).isneginf()]
    expected = model.loss(x)
    loss = model.loss(torch.cat((x, unphysical)))
    loss.backward()
    torch.testing.assert_close(loss, expected)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.loss(unphysical).isnan()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:, :6], "events of 8 angles, not 6 columns"),
        (
            lambda x: x.index_put((torch.tensor(3), torch.tensor(2)), torch.tensor(torch.nan)),
            "event 4",
        ),
        (lambda x: x.index_fill(0, torch.arange(2, 5), 0.25), "event 3 and 2 others"),
    ],
    ids=["columns", "dropped", "unphysical"],
)
def test_other_events_are_refused(change: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flow().prepare(change(events(20).float()))
    flow().prepare(events(20))


@pytest.mark.parametrize("count", [0, 4], ids=["none", "too many"])
def test_impossible_numbers_of_orders_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="choose from 1"):
        flow(orders_per_event=count)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (layouts.angles(gluinos=3), "takes 4 particles with two angle variables"),
        (layouts.multiplicity(0.5), "always present"),
        (layouts.labels(), "takes 4 particles with two angle variables"),
    ],
    ids=["three", "sets", "labels"],
)
def test_other_layouts_are_refused(layout: Layout, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        phase_space_flow(layout=layout, seed=1, **SIZE)


def test_unknown_charts_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown chart 'round'"):
        flow("round")


def test_table_1_size_is_within_the_parameters_of_the_paper() -> None:
    size = {"layers": 8, "bins": 32, "residual_blocks": 2, "units_per_dim": 10}
    builder = "hepdensity.studies.gluino.models.phase_space_flow:phase_space_flow"
    model = build(builder, layouts.angles(), 1, size)
    assert sum(p.numel() for p in model.parameters()) <= 715_968


def test_single_precision_agrees_with_double() -> None:
    model, x = flow(), events(300).float()
    with torch.no_grad():
        double = model.log_prob_tight(x.double())
        single = model.float().log_prob_tight(x)
    assert (single - double).abs().mean() < 1e-4
