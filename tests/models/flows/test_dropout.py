"""Events with and without absent particles in one model: normalisation, samples, objectives."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from model_events import grid, joined_layout, plain_layout, sets_layout
from torch import Tensor

from hepdensity.models.flows.dropout import DropoutFlow, dropout_flow
from hepdensity.models.layout import Layout

P_COMPLETE = 0.3
SMALL: dict[str, Any] = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 4}


def small_model(
    permutation: str = "sort",
    objective: str | Sequence[float] = "balanced",
    particles: int = 2,
    probability: float | None = P_COMPLETE,
) -> DropoutFlow:
    model = dropout_flow(
        layout=sets_layout(particles, probability),
        permutation=permutation,
        objective=objective,
        seed=4,
        **SMALL,
    )
    return model.double()


def mixed(n: int, particles: int = 2, seed: int = 0) -> Tensor:
    """Every third event with one particle only."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 2 * particles, generator=generator, dtype=torch.float64)
    x[::3, 2:] = torch.nan
    return x


@pytest.mark.parametrize("permutation", ["none", "stochastic", "sort"])
def test_density_integrates_to_the_probabilities_of_the_sets(permutation: str) -> None:
    model = small_model(permutation)
    plane = grid(300, 2)
    dropped = torch.cat([plane, torch.full_like(plane, torch.nan)], dim=1)
    with torch.no_grad():
        two = model.log_prob_tight(dropped).exp()
        # Sobol points: the integrand has kinks.
        points = torch.quasirandom.SobolEngine(4, scramble=True, seed=1).draw(2**15).double()
        four = model.log_prob_tight(points).exp()
    assert two.std() > 0.05
    assert two.mean().item() == pytest.approx(1 - P_COMPLETE, abs=1e-3)
    assert four.mean().item() == pytest.approx(P_COMPLETE, abs=0.01)


def test_log_probabilities_are_those_in_the_density() -> None:
    model, other = small_model(), small_model()
    change = torch.tensor([0.2, -0.1], dtype=torch.float64)
    assert other.dropout is not None
    other.dropout.log_probabilities += change
    torch.testing.assert_close(other.log_probabilities - model.log_probabilities, change)
    assert model.log_probabilities[0].item() == pytest.approx(math.log(P_COMPLETE))
    x = mixed(12)
    sets = x.isnan().any(dim=1).long()
    with torch.no_grad():
        for name in ("log_prob", "log_prob_tight"):
            moved = getattr(other, name)(x) - getattr(model, name)(x)
            torch.testing.assert_close(moved, change[sets])


def test_samples_of_the_small_set_follow_the_density() -> None:
    model, n = small_model(), 40_000
    x = model.sample_set(n, 1, torch.Generator().manual_seed(1))
    assert x[:, 2:].isnan().all()
    assert not x[:, :2].isnan().any()
    found = torch.bincount((x[:, :2] * 4).long() @ torch.tensor([4, 1]), minlength=16)
    plane = grid(200, 2)
    dropped = torch.cat([plane, torch.full_like(plane, torch.nan)], dim=1)
    with torch.no_grad():
        density = model.log_prob_tight(dropped).exp().view(4, 50, 4, 50) / (1 - P_COMPLETE)
    expected = n * density.mean(dim=(1, 3)).flatten() / 16
    # 15 degrees of freedom: 4.5 standard deviations above the mean.
    assert ((found - expected).square() / expected).sum() < 15 + 4.5 * 30**0.5


def test_samples_have_the_sets_in_their_proportion(generator: torch.Generator) -> None:
    n = 10_000
    x = small_model().sample(n, generator)
    complete = (~x.isnan().any(dim=1)).sum().item()
    assert abs(complete - n * P_COMPLETE) < 4 * math.sqrt(n * P_COMPLETE * (1 - P_COMPLETE))


def test_tight_value_is_the_mean_over_orders_of_complete_events() -> None:
    model, x = small_model("stochastic"), mixed(30)
    swapped = x[:, [2, 3, 0, 1]].where(~x.isnan().any(dim=1, keepdim=True), x)
    with torch.no_grad():
        tight = model.log_prob_tight(x)
        a, b = model.log_prob_ordered(x), model.log_prob_ordered(swapped)
    torch.testing.assert_close(tight, torch.logaddexp(a, b) - math.log(2))
    torch.testing.assert_close(tight[::3], a[::3])


def test_sorted_value_is_a_bound_for_complete_and_exact_for_other_events() -> None:
    model, x = small_model("sort"), mixed(60)
    with torch.no_grad():
        one, tight = model.log_prob(x), model.log_prob_tight(x)
    torch.testing.assert_close(one[::3], tight[::3])
    assert (one <= tight + 1e-12).all()
    assert model.bound


@pytest.mark.parametrize(
    ("objective", "weights"),
    [
        ("likelihood", [P_COMPLETE, 1 - P_COMPLETE]),
        ("balanced", [0.5, 0.5]),
        ([0.9, 0.1], [0.9, 0.1]),
        ([1, 0], [1, 0]),
    ],
    ids=["likelihood", "balanced", "vector", "one only"],
)
def test_objective_weighs_the_means_of_the_sets(
    objective: str | list[float], weights: list[float]
) -> None:
    model, x = small_model("sort", objective), mixed(50)
    probabilities = torch.tensor([P_COMPLETE, 1 - P_COMPLETE], dtype=torch.float64).log()
    with torch.no_grad():
        log_prob = model.log_prob(x)
        four = (log_prob[~x.isnan().any(dim=1)] - probabilities[0]).mean()
        two = (log_prob[::3] - probabilities[1]).mean()
        expected = -(weights[0] * four + weights[1] * two)
        torch.testing.assert_close(model.loss(x), expected)


@pytest.mark.parametrize("only", [0, 1], ids=["complete only", "dropped only"])
def test_a_set_without_events_adds_nothing(only: int) -> None:
    model, x = small_model(), mixed(60)
    chosen = x[x.isnan().any(dim=1) == bool(only)]
    loss = model.loss(chosen)
    loss.backward()
    with torch.no_grad():
        p = [P_COMPLETE, 1 - P_COMPLETE][only]
        expected = -0.5 * (model.log_prob(chosen).mean() - math.log(p))
    torch.testing.assert_close(loss.detach(), expected)
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_training_in_single_precision_has_finite_gradients() -> None:
    model = small_model(particles=4).float()
    model.loss(mixed(300, 4).float()).backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and g.isfinite().all() and (g != 0).any() for g in gradients)


def test_both_sets_are_conditioned_on_in_every_coordinate() -> None:
    """The embedding moves each coordinate, the first of every layer included."""
    model, x = small_model("none"), mixed(40)[1::3]
    with torch.no_grad():
        before = model.log_prob(x)
        assert model.embedding is not None
        model.embedding.weight[1] += 1
        torch.testing.assert_close(model.log_prob(x), before)
        model.embedding.weight[0] += 1
        assert (model.log_prob(x) - before).abs().min() > 0


def test_events_marked_by_minus_one_are_no_events() -> None:
    x = mixed(6).nan_to_num(nan=-1.0)
    with torch.no_grad():
        assert small_model().log_prob(x)[::3].isneginf().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "biased"}, "unknown objective 'biased'"),
        ({"objective": [0.5, 0.6]}, "must sum to 1"),
        ({"objective": [1.5, -0.5]}, "must be finite and >= 0"),
        ({"permutation": "sorted"}, "unknown permutation treatment"),
    ],
    ids=["name", "sum", "negative", "permutation"],
)
def test_bad_settings_are_refused(settings: dict, message: str) -> None:
    block = {"permutation": "sort", "objective": "balanced", "seed": 1, **SMALL, **settings}
    with pytest.raises(ValueError, match=message):
        dropout_flow(layout=sets_layout(), **block)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (plain_layout(), "choose kind 'flow'"),
        (joined_layout(2), "'spin_1' is categorical"),
    ],
    ids=["no sets", "categorical"],
)
def test_other_layouts_are_refused(layout: Layout, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dropout_flow(layout=layout, permutation="sort", objective="balanced", seed=1, **SMALL)


@pytest.mark.parametrize("objective", ["likelihood", "balanced"])
def test_probabilities_are_counted_where_the_layout_gives_none(objective: str) -> None:
    model, x = small_model(objective=objective, probability=None), mixed(60)
    with pytest.raises(ValueError, match=r"call prepare\(training\) first"):
        model.log_prob(x)
    model.prepare(x)
    counted = [40.5 / 61, 20.5 / 61]
    assert model.log_probabilities.exp().tolist() == pytest.approx(counted)
    expected = counted if objective == "likelihood" else [0.5, 0.5]
    assert model.weights.tolist() == pytest.approx(expected)
    other = small_model(objective=objective, probability=None)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(other.log_prob(x), model.log_prob(x))


def test_bad_events_are_refused() -> None:
    model = small_model()
    with pytest.raises(ValueError, match="4 columns, not 6"):
        model.prepare(torch.rand(3, 6))
    x = mixed(9)
    x[4, 1] = torch.nan
    with pytest.raises(ValueError, match="event 5 has absent values"):
        model.prepare(x)


def test_table_1_model_has_the_parameters_of_the_paper_and_terms_of_first_coordinates() -> None:
    settings: dict[str, Any] = {"layers": 8, "bins": 32, "residual_blocks": 2, "units_per_dim": 10}
    model = dropout_flow(
        layout=sets_layout(4), permutation="sort", objective="balanced", seed=1, **settings
    )
    assert sum(p.numel() for p in model.parameters()) == 721_732 + 8 * (2 + 1) * 97
