"""Mixture model: table of categories, conditional density, exact value, objectives."""

import logging
from itertools import permutations
from typing import Any

import pytest
import torch
from model_events import (
    categories,
    category,
    general_layout,
    grid,
    joined_events,
    joined_layout,
    reorder,
)
from torch import Tensor

from hepdensity.models.flows.category_table import DenseTable
from hepdensity.models.flows.mixture import MixtureFlow, mixture_flow
from hepdensity.models.flows.seen_table import SeenTable
from hepdensity.models.layers.permutation import particle_layer

SMALL: dict[str, Any] = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 4}


def labelled(n: int, particles: int, seed: int = 0) -> Tensor:
    """Events that prefer some categories, and particles of large x_1 with spin 1."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 2 * particles, generator=generator, dtype=torch.float64)
    draw = torch.rand(n, generator=generator, dtype=torch.float64)
    events = joined_events(x, (draw.square() * categories(particles)).long())
    follows = torch.rand(n, particles, generator=generator) < 0.5
    spins = events[:, 2 * particles + 3 :: 2]
    spins[follows] = (x[:, ::2] > 0.5).double()[follows]
    return events


def small_model(
    permutation: str = "stochastic",
    objective: str = "likelihood",
    particles: int = 2,
    events: int = 3000,
) -> MixtureFlow:
    model = mixture_flow(
        layout=joined_layout(particles),
        permutation=permutation,
        objective=objective,
        seed=3,
        embedding=5,
        **SMALL,
    ).double()
    model.prepare(labelled(events, particles))
    return model


def orders(particles: int) -> Tensor:
    return torch.tensor(list(permutations(range(particles))))


def dense(model: MixtureFlow) -> DenseTable:
    assert isinstance(model.table, DenseTable)
    return model.table


def test_branches_integrate_to_the_probabilities_of_the_categories() -> None:
    model = small_model(particles=1)
    x = grid(200)
    found = []
    for y in range(16):
        events = joined_events(x, torch.full((len(x),), y))
        with torch.no_grad():
            found.append(model.log_prob_tight(events).exp().mean().item())
    assert sum(found) == pytest.approx(1, abs=2e-3)
    assert found == pytest.approx(dense(model).log_categories.exp().tolist(), abs=1e-3)


@pytest.mark.parametrize("permutation", ["none", "stochastic", "sort"])
def test_table_has_the_frequencies_that_the_flow_sees(permutation: str) -> None:
    n = 30_000
    model, training = small_model(permutation, events=n), labelled(n, 2)
    if permutation == "stochastic":
        seen = torch.cat([reorder(training, order.expand(n, -1)) for order in orders(2)])
    elif permutation == "sort":
        layer = particle_layer("sort", joined_layout(2))
        assert layer is not None
        seen = layer.inverse(training)[0]
    else:
        seen = training
    counts = torch.bincount(category(seen), minlength=96).double() / len(seen)
    table = dense(model).log_categories.exp()
    assert table.sum().item() == pytest.approx(1)
    assert (table > 0).all()
    # Smoothing moves the most frequent category by 4e-4.
    torch.testing.assert_close(table, counts, atol=2e-3, rtol=0)
    assert torch.equal(dense(model).unseen, counts == 0)


def test_sorted_table_is_not_the_symmetrised_one() -> None:
    symmetric, by_angle = (
        dense(small_model(p)).log_categories.exp() for p in ("stochastic", "sort")
    )
    assert (symmetric - by_angle).abs().sum() > 0.05


def test_marginals_of_samples_are_those_of_training() -> None:
    model, n = small_model("sort"), 20_000
    x = model.sample(n, torch.Generator().manual_seed(2))
    assert x.shape == (n, 11)
    found = torch.bincount(category(x), minlength=96)
    training = labelled(3000, 2)
    images = torch.cat([reorder(training, order.expand(3000, -1)) for order in orders(2)])
    expected = torch.bincount(category(images), minlength=96).double() / 6000
    spread = (expected / n).clamp(min=1 / n**2).sqrt() + 5e-4
    assert ((found / n - expected).abs() < 4 * spread).all()


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
def test_exact_value_is_the_mean_over_orders(permutation: str) -> None:
    model, x = small_model(permutation), labelled(40, 2, seed=5)
    with torch.no_grad():
        each = [model.log_prob_ordered(reorder(x, o.expand(40, -1))).exp() for o in orders(2)]
        tight, one = model.log_prob_tight(x), model.log_prob(x)
        moved = model.log_prob_tight(reorder(x, orders(2)[1].expand(40, -1)))
    torch.testing.assert_close(tight, torch.stack(each).mean(dim=0).log())
    torch.testing.assert_close(moved, tight)
    assert model.bound
    if permutation == "sort":
        assert (one <= tight + 1e-12).all()


def test_four_particles_have_24_orders() -> None:
    model, x = small_model(particles=4, events=500), labelled(5, 4, seed=5)
    with torch.no_grad():
        each = [model.log_prob_ordered(reorder(x, o.expand(5, -1))).exp() for o in orders(4)]
        torch.testing.assert_close(model.log_prob_tight(x), torch.stack(each).mean(dim=0).log())
    assert len(each) == 24


def test_balanced_weights_are_those_of_the_category_behind_the_permutation() -> None:
    model, training = small_model("none", "balanced"), labelled(3000, 2)
    y = category(training)
    weights = 1 / (96 * dense(model).log_categories.exp()[y])
    with torch.no_grad():
        conditional = model.log_prob(training) - dense(model).log_categories[y]
        loss = model.loss(training)
    torch.testing.assert_close(loss, -(weights * conditional).mean())
    # One under p(y), which smoothing makes differ from the training events.
    assert weights.mean().item() == pytest.approx(1, abs=0.1)


def test_categories_never_seen_are_finite_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    model = small_model("none", events=100)
    unseen = dense(model).unseen.nonzero()[:, 0]
    assert len(unseen) > 1
    codes = torch.cat([unseen[:2], category(labelled(100, 2)[:3])])
    events = joined_events(torch.rand(5, 4, dtype=torch.float64), codes)
    with torch.no_grad(), caplog.at_level(logging.INFO):
        assert model.log_prob(events).isfinite().all()
        assert model.log_prob_tight(events).isfinite().all()
    assert "2 of 5 events have a category never seen in training" in caplog.text


def test_saved_weights_bring_the_table_along() -> None:
    model, x = small_model(), labelled(10, 2)
    fresh = mixture_flow(
        layout=joined_layout(2),
        permutation="stochastic",
        objective="likelihood",
        seed=9,
        embedding=5,
        **SMALL,
    ).double()
    with pytest.raises(ValueError, match=r"call prepare\(training\) first"):
        fresh.log_prob(x)
    fresh.load_state_dict(model.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(fresh.log_prob_tight(x), model.log_prob_tight(x))


def test_single_precision_trains_every_weight() -> None:
    model = small_model(particles=2).float()
    model.loss(labelled(500, 2).float(), torch.Generator().manual_seed(1)).backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and g.isfinite().all() and (g != 0).any() for g in gradients)


@pytest.mark.parametrize(
    ("particles", "types", "expected"), [(2, 3, DenseTable), (7, 2, SeenTable), (6, 7, SeenTable)]
)
def test_table_of_all_categories_is_for_few_categories_and_particles(
    particles: int, types: int, expected: type
) -> None:
    """More than six particles have too many orders, however few their categories."""
    layout = general_layout(particles, sets=False, types=types)
    model = mixture_flow(layout=layout, permutation="sort", objective="likelihood", seed=1, **SMALL)
    assert isinstance(model.table, expected)


def test_unknown_objective_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown objective 'biased'"):
        small_model(objective="biased")


def test_table_1_model_has_the_parameters_of_the_paper_and_terms_of_first_coordinates() -> None:
    settings: dict[str, Any] = {"layers": 8, "bins": 32, "residual_blocks": 2, "units_per_dim": 10}
    model = mixture_flow(
        layout=joined_layout(4), permutation="sort", objective="likelihood", seed=1, **settings
    )
    assert sum(p.numel() for p in model.parameters()) == 1_332_288 + 8 * (64 + 1) * 97
