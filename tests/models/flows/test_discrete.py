"""Dequantisation and argmax models: normalisation, bounds against exact values, invalid codes."""

import math
from itertools import permutations
from typing import Any

import pytest
import torch
from model_events import (
    categories,
    category,
    joined_events,
    joined_layout,
    plain_layout,
    reorder,
)
from torch import Generator, Tensor

from hepdensity.models.flows.discrete import DiscreteFlow, argmax_flow, dequantisation_flow
from hepdensity.models.layers.coding import Coding

SMALL: dict[str, Any] = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 3}
AUXILIARY = {"layers": 2, "bins": 4, "embedding": 3}
BUILDERS = {"dequantisation": dequantisation_flow, "argmax": argmax_flow}


def small_model(
    kind: str, noise: str, permutation: str = "none", particles: int = 1
) -> DiscreteFlow:
    model = BUILDERS[kind](
        layout=joined_layout(particles),
        noise=noise,
        permutation=permutation,
        seed=3,
        auxiliary=AUXILIARY,
        **SMALL,
    )
    return model.double()


def labelled(n: int, particles: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 2 * particles, generator=generator, dtype=torch.float64)
    return joined_events(x, torch.randint(categories(particles), (n,), generator=generator))


@pytest.mark.parametrize("noise", ["uniform", "flow"])
@pytest.mark.parametrize(
    ("kind", "particles"),
    [("dequantisation", 1), ("dequantisation", 2), ("argmax", 1), ("argmax", 2)],
)
def test_density_sums_to_the_valid_fraction(
    kind: str, noise: str, particles: int, generator: Generator
) -> None:
    model, n = small_model(kind, noise, particles=particles), 30_000
    with torch.no_grad():
        density = model.log_prob(labelled(n, particles), generator).exp() * categories(particles)
    error = density.std().item() / math.sqrt(n)
    valid = len(model.attempt(n, generator)) / n
    if kind == "dequantisation" or particles == 1:
        assert valid == 1
    else:
        # 96 of 128 codes are valid.
        assert 0.4 < valid < 0.95
    spread = math.hypot(error, math.sqrt(valid * (1 - valid) / n))
    assert density.mean().item() == pytest.approx(valid, abs=4 * spread)


@pytest.mark.parametrize(("kind", "noise"), [("dequantisation", "flow"), ("argmax", "uniform")])
def test_samples_are_valid_and_follow_the_density(
    kind: str, noise: str, generator: Generator
) -> None:
    model, n = small_model(kind, noise, "sort", particles=2), 20_000
    x = model.sample(n, generator)
    Coding(joined_layout(2)).check(x)
    assert x.shape == (n, 11)
    with torch.no_grad():
        points = labelled(n, 2)
        log_weight = model.log_prob_tight(points, 4, generator)
    density = log_weight.exp() * 96
    # Share of each spin of the first particle, by sampling and by integration.
    found = (x[:, 7] > 0).double().mean().item()
    mask = (points[:, 7] > 0).double()
    expected = ((density * mask).mean() / density.mean()).item()
    error = (density * (mask - expected)).std().item() / density.mean().item() / math.sqrt(n)
    assert abs(found - expected) < 4 * math.hypot(error, 0.5 / math.sqrt(n))


def exact_dequantised(model: DiscreteFlow, x: Tensor) -> Tensor:
    """Mean over the orders of the flow's density integrated over the cell of the codes."""
    axis = (torch.arange(40, dtype=torch.float64) + 0.5) / 40
    u = torch.cartesian_prod(axis, axis)
    counts = torch.tensor([16.0, 6.0], dtype=torch.float64)
    total = torch.zeros(len(x), dtype=torch.float64)
    for order in torch.tensor(list(permutations(range(2)))):
        moved = reorder(x, order.expand(len(x), -1))
        for i, (event, codes) in enumerate(
            zip(moved, Coding(joined_layout(2)).codes(moved), strict=True)
        ):
            z = torch.cat([event[:4].expand(len(u), -1), (codes + u) / counts], dim=1)
            total[i] += model.flow.log_prob(z).exp().mean() / 96 / 2
    return total.log()


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
@pytest.mark.parametrize("noise", ["uniform", "flow"])
def test_importance_weighted_bound_rises_to_the_exact_value(
    noise: str, permutation: str, generator: Generator
) -> None:
    model, x = small_model("dequantisation", noise, permutation, particles=2), labelled(60, 2)
    with torch.no_grad():
        exact = exact_dequantised(model, x)
        curve = model.log_prob_curve(x.repeat(8, 1), [1, 4, 16, 64, 256], generator)
    gap = curve.view(5, 8, len(x)).sub(exact).mean(dim=2)
    mean, error = gap.mean(dim=1), gap.std(dim=1) / math.sqrt(8)
    assert (mean.diff() > -3 * (error[1:] + error[:-1])).all()
    assert mean[0] < mean[2] < mean[4] + 1e-3
    # One fixed grid integrates with an error, too.
    assert (mean < 4 * error + 2e-3).all()
    assert mean[4] > -0.1


def test_argmax_bound_rises_to_the_exact_value(generator: Generator) -> None:
    """One particle: four bits, eight latent dimensions; the exact value by many flat draws."""
    model, x = small_model("argmax", "flow"), labelled(12, 1)
    reference = small_model("argmax", "uniform")
    reference.flow.load_state_dict(model.flow.state_dict())
    n = 10_000
    with torch.no_grad():
        flat = reference.log_prob(x.repeat_interleave(n, dim=0), generator).view(12, n).exp()
        exact, relative = flat.mean(dim=1).log(), flat.std(dim=1) / flat.mean(dim=1) / n**0.5
        curve = model.log_prob_curve(x.repeat(20, 1), [1, 8, 64], generator)
    gap = curve.view(3, 20, 12).sub(exact).mean(dim=2)
    mean, error = gap.mean(dim=1), gap.std(dim=1) / math.sqrt(20)
    assert mean[0] < mean[1] < mean[2]
    assert mean[2] < 4 * math.hypot(error[2].item(), relative.mean().item())


def test_draws_are_nested(generator: Generator) -> None:
    model, x = small_model("dequantisation", "uniform", "stochastic", particles=2), labelled(5, 2)
    state = generator.get_state()
    curve = model.log_prob_curve(x, [1, 3], generator)
    generator.set_state(state)
    torch.testing.assert_close(model.log_prob_tight(x, 3, generator), curve[1])
    generator.set_state(state)
    with torch.no_grad():
        torch.testing.assert_close(model.log_prob(x, generator), curve[0])


@pytest.mark.parametrize("kind", ["dequantisation", "argmax"])
@pytest.mark.parametrize("permutation", ["none", "stochastic", "sort"])
def test_they_are_bounds_whatever_the_permutation(kind: str, permutation: str) -> None:
    assert small_model(kind, "uniform", permutation).bound


@pytest.mark.parametrize("kind", ["dequantisation", "argmax"])
def test_auxiliary_flow_trains_with_the_main_flow(kind: str, generator: Generator) -> None:
    model = small_model(kind, "flow", "stochastic", particles=2).float()
    model.loss(labelled(2000, 2).float(), generator).backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and g.isfinite().all() and (g != 0).any() for g in gradients)


def test_every_category_of_four_particles_has_a_finite_bound(generator: Generator) -> None:
    events = joined_events(torch.rand(7680, 8), torch.arange(7680))
    assert torch.equal(category(events), torch.arange(7680))
    for kind in ("dequantisation", "argmax"):
        model = small_model(kind, "flow", "sort", particles=4).float()
        with torch.no_grad():
            assert model.log_prob(events, generator).isfinite().all()


@pytest.mark.parametrize("draws", [[], [0], [4, 2], [3, 3]], ids=str)
def test_bad_numbers_of_draws_are_refused(draws: list[int]) -> None:
    with pytest.raises(ValueError, match="must be >= 1 and increasing"):
        small_model("argmax", "uniform").log_prob_curve(labelled(2, 1), draws)


def test_tight_value_needs_a_number_of_draws() -> None:
    with pytest.raises(ValueError, match="give the number of importance draws"):
        small_model("argmax", "uniform").log_prob_tight(labelled(2, 1))


def test_model_without_valid_samples_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model("argmax", "uniform", particles=2)
    monkeypatch.setattr(model, "sample_ordered", lambda n, chosen, generator: torch.empty(0, 11))
    with pytest.raises(RuntimeError, match="no sample of this model has a valid category"):
        model.sample(5)


def bad(column: int, value: float) -> Tensor:
    x = labelled(4, 2)
    x[1, column] = value
    return x


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (torch.rand(3, 4), "events of 11 columns, not 4"),
        (bad(4, 3.0), "event 2: column 'spin_1' must contain whole numbers from 0 to 1"),
        (bad(6, 0.5), "event 2: column 'place_1' must contain whole numbers from 0 to 2"),
        (bad(0, math.nan), "event 2 has absent values"),
    ],
    ids=["columns", "category", "fraction", "dropped"],
)
def test_bad_events_are_refused(batch: Tensor, message: str) -> None:
    model = small_model("dequantisation", "uniform", "sort", particles=2)
    for method in (model.prepare, model.log_prob, lambda x: model.log_prob_tight(x, 1)):
        with pytest.raises(ValueError, match=message):
            method(batch)


@pytest.mark.parametrize("kind", ["dequantisation", "argmax"])
def test_unknown_noise_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="unknown noise 'normal'"):
        small_model(kind, "normal")


@pytest.mark.parametrize("kind", ["dequantisation", "argmax"])
def test_a_layout_without_categories_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="choose 'flow' or 'dropout'"):
        BUILDERS[kind](layout=plain_layout(), noise="flow", permutation="sort", seed=1, **SMALL)


@pytest.mark.parametrize(
    ("kind", "noise", "settings", "expected"),
    [
        ("dequantisation", "uniform", (32, 10), 1_115_760),
        ("dequantisation", "flow", (32, 10), 1_193_982 + 3 * 11 * 25),
        ("argmax", "uniform", (8, 4), 1_565_904),
        ("argmax", "flow", (8, 4), 1_788_486 + 3 * 11 * 25),
    ],
)
def test_parameters_are_those_of_the_paper_and_terms_of_first_coordinates(
    kind: str, noise: str, settings: tuple[int, int], expected: int
) -> None:
    bins, units = settings
    model = BUILDERS[kind](
        layout=joined_layout(4),
        noise=noise,
        permutation="sort",
        seed=1,
        layers=8,
        bins=bins,
        residual_blocks=2,
        units_per_dim=units,
    )
    assert sum(p.numel() for p in model.parameters()) == expected
