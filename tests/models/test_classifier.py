"""Classifier model: normalisation, categories that move with the particles, training."""

import math
from itertools import permutations
from typing import Any

import pytest
import torch
from model_events import categories, category, grid, joined_events, joined_layout, reorder
from torch import Tensor
from torch.nn.functional import cross_entropy

from hepdensity.models.classifier import ClassifiedFlow, classified_flow
from hepdensity.models.layers.coding import Coding, combined

SMALL: dict[str, Any] = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 4}


def small_model(permutation: str = "sort", particles: int = 2) -> ClassifiedFlow:
    return classified_flow(
        layout=joined_layout(particles),
        permutation=permutation,
        seed=3,
        hidden=(12, 12),
        **SMALL,
    ).double()


def logits(model: ClassifiedFlow, events: Tensor) -> Tensor:
    return model.head(model.network(events[:, :4]))


def labelled(n: int, particles: int = 2, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 2 * particles, generator=generator, dtype=torch.float64)
    return joined_events(x, torch.randint(categories(particles), (n,), generator=generator))


def test_density_integrates_to_one_over_all_categories() -> None:
    model = small_model(particles=1)
    x = grid(200)
    total = 0.0
    for y in range(16):
        events = joined_events(x, torch.full((len(x),), y))
        with torch.no_grad():
            total += model.log_prob_tight(events).exp().mean().item()
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
def test_exact_value_is_the_mean_over_orders_of_all_columns(permutation: str) -> None:
    model, x = small_model(permutation), labelled(40)
    orders = [torch.tensor(order).expand(40, -1) for order in permutations(range(2))]
    with torch.no_grad():
        each = [
            model.flow.log_prob(moved[:, :4])
            - cross_entropy(logits(model, moved), category(moved), reduction="none")
            for moved in (reorder(x, order) for order in orders)
        ]
        tight = model.log_prob_tight(x)
    torch.testing.assert_close(tight, torch.stack(each).logsumexp(dim=0) - math.log(2))
    assert model.bound


def test_one_draw_sorted_value_does_not_depend_on_the_given_order() -> None:
    model, x = small_model("sort"), labelled(40)
    with torch.no_grad():
        moved = reorder(x, torch.tensor([1, 0]).expand(40, -1))
        torch.testing.assert_close(model.log_prob(moved), model.log_prob(x))


def test_training_learns_categories_that_follow_x() -> None:
    """Spins are a function of x: a classifier that moved them wrongly could not learn."""
    model, n = small_model("stochastic"), 2000
    x = labelled(n)
    first_larger = (x[:, 0] > x[:, 2]).long()
    # The spins of the particles say which has the larger x_1; the places are 0, 1, 2.
    spins = torch.where(first_larger.bool(), 0b0010, 0b0001)
    codes = torch.stack([spins, torch.zeros_like(spins)], dim=1)
    x = joined_events(x[:, :4], combined(codes, Coding(joined_layout(2)).counts))
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = model.loss(x, generator)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    # x is uniform (0 nats). The shuffled places are independent of x with entropy log 2; without
    # learning the entropy of the categories is log 96.
    assert losses[0] > 4
    assert losses[-1] < math.log(2) + 0.35


def test_flow_and_classifier_are_factors_of_the_loss() -> None:
    model, x = small_model("sort"), labelled(50)
    losses = model.factor_losses(x)
    torch.testing.assert_close(losses.sum(), -model.log_prob(x).mean())
    losses[1].backward()
    for factor, trained in zip(model.factors(), (False, True), strict=True):
        gradients = [p.grad for module in factor for p in module.parameters()]
        assert all((g is not None and bool(g.any())) == trained for g in gradients)


def test_samples_have_categories_with_their_probabilities(generator: torch.Generator) -> None:
    model, n = small_model("sort"), 20_000
    x = model.sample(n, generator)
    Coding(joined_layout(2)).check(x)
    assert x.shape == (n, 11)
    points = labelled(n, seed=8)
    with torch.no_grad():
        density = model.log_prob_tight(points).exp() * 96
    mask = (points[:, 4] > 0).double()
    expected = (density * mask).mean().item()
    error = (density * mask).std().item() / math.sqrt(n)
    found = (x[:, 4] > 0).double().mean().item()
    assert abs(found - expected) < 4 * math.hypot(error, 0.5 / math.sqrt(n))


def test_loss_trains_flow_and_network_apart() -> None:
    model, x = small_model("none"), labelled(100)
    model.loss(x).backward()
    parts = [*model.network.parameters(), *model.head.parameters()]
    together = [p.grad.clone() for p in parts if p.grad is not None]
    model.zero_grad()
    cross_entropy(logits(model, x), category(x)).backward()
    alone = [p.grad for p in parts if p.grad is not None]
    assert len(alone) == 6
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b)
