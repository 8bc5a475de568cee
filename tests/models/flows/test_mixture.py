"""Mixture model: table of categories, conditional density, exact value, objectives."""

import logging
import math
from itertools import permutations

import pytest
import torch
from torch import Tensor

from hepdensity.models.flows.mixture import MixtureFlow, mixture_flow, smoothed_frequencies
from hepdensity.models.layers.labels import category, relabel, split_category, with_codes
from hepdensity.models.layers.permutation import particle_layer

SMALL = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 4}
CATEGORIES = {1: 16, 2: 96, 4: 7680}


def labelled(n: int, gluinos: int, seed: int = 0) -> Tensor:
    """Events that prefer some categories, and forward gluinos with positive helicity."""
    generator = torch.Generator().manual_seed(seed)
    angles = torch.rand(n, 2 * gluinos, generator=generator, dtype=torch.float64)
    draw = torch.rand(n, generator=generator, dtype=torch.float64)
    codes = (draw.square() * CATEGORIES[gluinos]).long()
    events = with_codes(angles, split_category(codes, gluinos))
    follows = torch.rand(n, gluinos, generator=generator) < 0.5
    helicities = events[:, 2 * gluinos + 3 :: 2]
    helicities[follows] = (angles[:, ::2] - 0.5).sign()[follows]
    return events


def small_model(
    permutation: str = "stochastic",
    objective: str = "likelihood",
    gluinos: int = 2,
    events: int = 3000,
) -> MixtureFlow:
    model = mixture_flow(
        permutation=permutation,
        objective=objective,
        seed=3,
        embedding=5,
        gluinos=gluinos,
        **SMALL,
    ).double()
    model.prepare(labelled(events, gluinos))
    return model


def orders(gluinos: int) -> Tensor:
    return torch.tensor(list(permutations(range(gluinos))))


def test_branches_integrate_to_the_probabilities_of_the_categories() -> None:
    model = small_model(gluinos=1)
    axis = (torch.arange(200, dtype=torch.float64) + 0.5) / 200
    angles = torch.cartesian_prod(axis, axis)
    found = []
    for y in range(16):
        codes = split_category(torch.full((len(angles),), y), 1)
        with torch.no_grad():
            found.append(model.log_prob_tight(with_codes(angles, codes)).exp().mean().item())
    assert sum(found) == pytest.approx(1, abs=2e-3)
    assert found == pytest.approx(model.log_categories.exp().tolist(), abs=1e-3)


@pytest.mark.parametrize("permutation", ["none", "stochastic", "sort"])
def test_table_has_the_frequencies_that_the_flow_sees(permutation: str) -> None:
    n = 30_000
    model, training = small_model(permutation, events=n), labelled(n, 2)
    if permutation == "stochastic":
        seen = torch.cat([relabel(training, order.expand(n, -1)) for order in orders(2)])
    elif permutation == "sort":
        layer = particle_layer("sort", 2, labelled=True)
        assert layer is not None
        seen = layer.inverse(training)[0]
    else:
        seen = training
    counts = torch.bincount(category(seen), minlength=96).double() / len(seen)
    table = model.log_categories.exp()
    assert table.sum().item() == pytest.approx(1)
    assert (table > 0).all()
    # Smoothing moves the most frequent category by 4e-4.
    torch.testing.assert_close(table, counts, atol=2e-3, rtol=0)
    assert torch.equal(model.unseen, counts == 0)


def test_sorted_table_is_not_the_symmetrised_one() -> None:
    symmetric, by_angle = (small_model(p).log_categories.exp() for p in ("stochastic", "sort"))
    assert (symmetric - by_angle).abs().sum() > 0.05


def test_marginals_of_samples_are_those_of_training() -> None:
    model, n = small_model("sort"), 20_000
    x = model.sample(n, torch.Generator().manual_seed(2))
    assert x.shape == (n, 11)
    found = torch.bincount(category(x), minlength=96)
    training = labelled(3000, 2)
    images = torch.cat([relabel(training, order.expand(3000, -1)) for order in orders(2)])
    expected = torch.bincount(category(images), minlength=96).double() / 6000
    spread = (expected / n).clamp(min=1 / n**2).sqrt() + 5e-4
    assert ((found / n - expected).abs() < 4 * spread).all()


def test_smoothing_leaves_out_one_event_at_a_time() -> None:
    counts = torch.tensor([50.0, 30.0, 15.0, 4.0, 1.0, 0.0, 0.0], dtype=torch.float64)
    prior = torch.tensor([0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1], dtype=torch.float64)
    found = smoothed_frequencies(counts, 1, prior)

    def left_out(strength: float) -> float:
        pairs = zip(counts[:5].tolist(), prior[:5].tolist(), strict=True)
        return sum(n * math.log((n - 1 + strength * q) / (99 + strength)) for n, q in pairs)

    best = max(torch.logspace(-2, 5, 71, dtype=torch.float64).tolist(), key=left_out)
    torch.testing.assert_close(found, (counts + best * prior) / (100 + best))
    assert 0 < found[-1] < found[-3]


def test_smoothing_predicts_new_events_better_than_fixed_pseudo_counts() -> None:
    generator = torch.Generator().manual_seed(1)
    truth = torch.rand(500, generator=generator, dtype=torch.float64).pow(6)
    drawn = torch.multinomial(truth, 1000, replacement=True, generator=generator)
    counts = torch.bincount(drawn, minlength=500).double()
    prior = torch.full_like(truth, 1 / 500)
    found = smoothed_frequencies(counts, 1, prior)
    truth /= truth.sum()

    def expected(table: Tensor) -> float:
        return (truth * table.log()).sum().item()

    assert expected(found) > max(expected((counts + a) / (1000 + 500 * a)) for a in (1e-3, 2.0))


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
def test_exact_value_is_the_mean_over_relabellings(permutation: str) -> None:
    model, x = small_model(permutation), labelled(40, 2, seed=5)
    with torch.no_grad():
        each = [model.log_prob_ordered(relabel(x, o.expand(40, -1))).exp() for o in orders(2)]
        tight, one = model.log_prob_tight(x), model.log_prob(x)
        moved = model.log_prob_tight(relabel(x, orders(2)[1].expand(40, -1)))
    torch.testing.assert_close(tight, torch.stack(each).mean(dim=0).log())
    torch.testing.assert_close(moved, tight)
    assert model.bound
    if permutation == "sort":
        assert (one <= tight + 1e-12).all()


def test_four_gluinos_have_24_relabellings() -> None:
    model, x = small_model(gluinos=4, events=500), labelled(5, 4, seed=5)
    with torch.no_grad():
        each = [model.log_prob_ordered(relabel(x, o.expand(5, -1))).exp() for o in orders(4)]
        torch.testing.assert_close(model.log_prob_tight(x), torch.stack(each).mean(dim=0).log())
    assert len(each) == 24


def test_balanced_weights_are_those_of_the_category_behind_the_permutation() -> None:
    model, training = small_model("none", "balanced"), labelled(3000, 2)
    y = category(training)
    weights = 1 / (96 * model.log_categories.exp()[y])
    with torch.no_grad():
        conditional = model.log_prob(training) - model.log_categories[y]
        loss = model.loss(training)
    torch.testing.assert_close(loss, -(weights * conditional).mean())
    # One under p(y), which smoothing makes differ from the training events.
    assert weights.mean().item() == pytest.approx(1, abs=0.1)


def test_categories_never_seen_are_finite_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    model = small_model("none", events=100)
    unseen = model.unseen.nonzero()[:, 0]
    assert len(unseen) > 1
    codes = torch.cat([unseen[:2], category(labelled(100, 2)[:3])])
    events = with_codes(torch.rand(5, 4, dtype=torch.float64), split_category(codes, 2))
    with torch.no_grad(), caplog.at_level(logging.INFO):
        assert model.log_prob(events).isfinite().all()
        assert model.log_prob_tight(events).isfinite().all()
    assert "2 of 5 events have a category never seen in training" in caplog.text


def test_saved_weights_bring_the_table_along() -> None:
    model, x = small_model(), labelled(10, 2)
    fresh = mixture_flow(
        permutation="stochastic", objective="likelihood", seed=9, embedding=5, gluinos=2, **SMALL
    ).double()
    with pytest.raises(ValueError, match=r"call prepare\(training\) first"):
        fresh.log_prob(x)
    fresh.load_state_dict(model.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(fresh.log_prob_tight(x), model.log_prob_tight(x))


def test_single_precision_trains_every_weight() -> None:
    model = small_model(gluinos=2).float()
    model.loss(labelled(500, 2).float(), torch.Generator().manual_seed(1)).backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and g.isfinite().all() and (g != 0).any() for g in gradients)


def test_unknown_objective_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown objective 'biased'"):
        mixture_flow(permutation="sort", objective="biased", seed=1, **SMALL)


def test_table_1_model_has_the_parameters_of_the_paper_and_terms_of_first_coordinates() -> None:
    settings = {"layers": 8, "bins": 32, "residual_blocks": 2, "units_per_dim": 10}
    model = mixture_flow(permutation="sort", objective="likelihood", seed=1, **settings)
    assert sum(p.numel() for p in model.parameters()) == 1_332_288 + 8 * (64 + 1) * 97
