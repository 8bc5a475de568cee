"""The whole flow as a density."""

from itertools import permutations
from typing import Any

import pytest
import torch
from model_events import BUILDERS, grid, joined_layout, plain_layout, sets_layout

from hepdensity.models.base import symmetrised
from hepdensity.models.build import build
from hepdensity.models.flows.flow import SplineFlow, spline_flow
from hepdensity.models.layout import Layout

TREATMENTS = ["none", "stochastic", "sort"]


def small_flow(
    permutation: str, features: int = 2, particles: int = 2, seed: int = 3
) -> SplineFlow:
    flow = spline_flow(
        layout=plain_layout(particles, features // particles),
        permutation=permutation,
        layers=3,
        bins=5,
        residual_blocks=1,
        units_per_dim=6,
        seed=seed,
    ).double()
    for parameter in flow.parameters():
        parameter.data *= 1.5
    return flow


def uniform(n: int, d: int = 8, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("permutation", TREATMENTS)
def test_exact_density_integrates_to_one(permutation: str) -> None:
    with torch.no_grad():
        density = small_flow(permutation).log_prob_tight(grid(400)).exp()
    assert density.std() > 0.1
    assert density.mean().item() == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize("permutation", TREATMENTS)
def test_samples_follow_the_exact_density(permutation: str) -> None:
    flow, n, cells = small_flow(permutation), 40_000, 4
    x = flow.sample(n, torch.Generator().manual_seed(1))
    found = torch.bincount((x * cells).long() @ torch.tensor([cells, 1]), minlength=16)
    with torch.no_grad():
        density = flow.log_prob_tight(grid(400)).exp().view(cells, 100, cells, 100)
    expected = n * density.mean(dim=(1, 3)).flatten() / 16
    chi2 = ((found - expected).square() / expected).sum()
    # 15 degrees of freedom: 4.5 standard deviations above the mean.
    assert chi2 < 15 + 4.5 * 30**0.5


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
def test_exact_density_is_the_mean_over_orders(permutation: str) -> None:
    flow, x = small_flow(permutation, 8, 4), uniform(20)
    blocks = x.view(20, 4, 2)
    with torch.no_grad():
        each = [
            flow.log_prob_ordered(blocks[:, list(order)].flatten(1)).exp()
            for order in permutations(range(4))
        ]
        expected = torch.stack(each).mean(dim=0).log()
        torch.testing.assert_close(flow.log_prob_tight(x), expected)


@pytest.mark.parametrize("permutation", TREATMENTS)
def test_one_draw_value_is_a_bound(permutation: str) -> None:
    flow, x = small_flow(permutation, 8, 4), uniform(40)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        exact = flow.log_prob_tight(x)
        draws = torch.stack([flow.log_prob(x, generator) for _ in range(200)])
    assert flow.bound == (permutation != "none")
    if permutation == "stochastic":
        # Unbiased for the density; hence by Jensen below the exact log-density on average.
        relative = (draws - exact).exp().mean()
        error = (draws - exact).exp().mean(dim=1).std() / 200**0.5
        assert abs(relative - 1) < 4 * error
        assert (draws.mean(dim=0) < exact).all()
    elif permutation == "sort":
        assert (draws.std(dim=0) < 1e-12).all()
        assert (draws[0] < exact).all()
    else:
        torch.testing.assert_close(draws[0], exact)


def test_symmetrised_density_does_not_depend_on_the_order() -> None:
    flow, x = small_flow("none", 8, 4), uniform(10)
    swapped = x.view(10, 4, 2)[:, [3, 1, 0, 2]].flatten(1)
    with torch.no_grad():
        a, b = (symmetrised(flow.log_prob, batch, 4) for batch in (x, swapped))
        assert not torch.allclose(flow.log_prob(x), flow.log_prob(swapped))
    torch.testing.assert_close(a, b)


def test_off_the_cube_there_is_no_density() -> None:
    x = torch.tensor([[0.5, 1.2], [-0.1, 0.5], [0.0, 1.0]], dtype=torch.float64)
    with torch.no_grad():
        log_prob = small_flow("none").log_prob(x)
    assert log_prob.isneginf().tolist() == [True, True, False]


def test_diverged_weights_show_as_not_a_number() -> None:
    flow = small_flow("none").float()
    next(flow.parameters()).data.fill_(torch.nan)
    assert flow.log_prob(uniform(3, 2).float()).isnan().all()


def test_single_precision_agrees_with_double() -> None:
    flow = spline_flow(
        layout=plain_layout(),
        permutation="none",
        layers=8,
        bins=32,
        residual_blocks=2,
        units_per_dim=10,
        seed=1,
    )
    x = uniform(500).float()
    with torch.no_grad():
        single, double = flow.log_prob(x), flow.double().log_prob(x.double())
    assert (single - double).abs().mean() < 1e-4
    assert abs((single - double).mean()) < 1e-5


def test_table_1_flow_has_the_parameters_of_the_paper() -> None:
    block = {"layers": 8, "bins": 32, "residual_blocks": 2, "units_per_dim": 10}
    model = build(BUILDERS["flow"], plain_layout(), 1, {"permutation": "sort", **block})
    assert sum(p.numel() for p in model.parameters()) == 715_968


def test_seed_decides_the_weights_and_leaves_the_global_stream_alone() -> None:
    torch.manual_seed(11)
    first, second, other = (small_flow("none", seed=s).state_dict() for s in (1, 1, 2))
    drawn = torch.rand(1)
    torch.manual_seed(11)
    assert torch.equal(drawn, torch.rand(1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


SMALL: dict[str, Any] = {"layers": 1, "bins": 2, "residual_blocks": 1, "units_per_dim": 2}


@pytest.mark.parametrize(
    ("layout", "permutation", "message"),
    [
        (plain_layout(), "sorted", "unknown permutation treatment 'sorted'"),
        (sets_layout(), "sort", "choose kind 'dropout'"),
        (joined_layout(2), "sort", "'spin_1' is categorical; choose 'dequantisation'"),
    ],
    ids=["permutation", "sets", "categorical"],
)
def test_what_it_is_not_for_is_refused(layout: Layout, permutation: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spline_flow(layout=layout, permutation=permutation, seed=1, **SMALL)


def test_other_events_are_refused() -> None:
    flow, x = small_flow("sort"), uniform(4, 2)
    with pytest.raises(ValueError, match="events of 2 columns, not 8"):
        flow.prepare(uniform(4))
    x[2, 1] = torch.nan
    with pytest.raises(ValueError, match=r"event 3 has absent values.*kind 'dropout'"):
        flow.prepare(x)


def test_there_are_no_presence_sets_to_sample() -> None:
    flow = small_flow("sort")
    assert flow.log_probabilities.tolist() == [0]
    assert flow.sample_set(3, 0).shape == (3, 2)
    with pytest.raises(ValueError, match="there is no presence set 1"):
        flow.sample_set(3, 1)
