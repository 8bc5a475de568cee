"""More than six particles: the tight value is a bound from drawn orders, and says so.

Bounds are compared with the mean over all 5,040 orders of seven particles.
"""

import math
from functools import cache
from itertools import permutations
from typing import Any

import pytest
import torch
from model_events import BUILDERS, general_events, general_layout, plain_layout
from torch import Generator, Tensor

from hepdensity.evaluation.likelihood import Importance, log_likelihoods
from hepdensity.models.build import build
from hepdensity.models.flows.treated import TreatedModel
from hepdensity.models.layers.permutation import reorder_particles
from hepdensity.models.layout import Layout, PresenceSet

PARTICLES = 7
EVENTS = 4
SIZES = {"layers": 1, "bins": 4, "residual_blocks": 1, "units_per_dim": 2}
SETTINGS: dict[str, dict[str, Any]] = {
    "flow": {},
    "classifier": {"hidden": (8,)},
    "mixture": {"objective": "likelihood", "embedding": 3},
    "dequantisation": {"noise": "uniform"},
}
TREATMENTS = ["stochastic", "sort"]


@cache
def model_of(kind: str, permutation: str) -> TreatedModel:
    """A small model of seven particles whose density depends on their order."""
    layout = general_layout(PARTICLES, sets=False, categorical=kind != "flow")
    return trained(kind, permutation, layout)


def trained(kind: str, permutation: str, layout: Layout) -> TreatedModel:
    model = build(
        BUILDERS[kind], layout, 1, {"permutation": permutation, **SIZES, **SETTINGS[kind]}
    )
    assert isinstance(model, TreatedModel)
    model.double().requires_grad_(False)
    if kind == "mixture":
        # Its context is another one for every order; the density must not hang on a few of them.
        for parameter in model.parameters():
            parameter.mul_(0.3)
    model.prepare(general_events(layout, 300))
    return model


def mean_over_all_orders(model: TreatedModel, x: Tensor) -> tuple[Tensor, Tensor]:
    """Densities, and their relative errors from draws of the noise."""
    orders = torch.tensor(list(permutations(range(PARTICLES))))
    generator, noise = Generator().manual_seed(8), 6 if model.noisy else 1
    densities, errors = [], []
    for event in x:
        moved = reorder_particles(model.layout)(event.expand(len(orders), -1), orders)
        assert model.standardisation is not None
        cube, jacobian = model.standardisation.inverse(moved.repeat(noise, 1))
        each = (model.log_prob_ordered(cube, generator) + jacobian).exp()
        densities.append(each.mean())
        errors.append(
            each.std() / each.mean() / len(each) ** 0.5 if model.noisy else each.new_zeros(())
        )
    return torch.stack(densities), torch.stack(errors)


@pytest.mark.parametrize("permutation", TREATMENTS)
@pytest.mark.parametrize("kind", SETTINGS)
def test_bound_rises_to_the_mean_over_all_orders(
    kind: str, permutation: str, generator: Generator
) -> None:
    model, repeats = model_of(kind, permutation), 300 if kind == "mixture" else 100
    assert not model.exact
    x = general_events(model.layout, EVENTS, seed=2)
    exact, uncertainty = mean_over_all_orders(model, x)
    repeated = x.repeat_interleave(repeats, dim=0)
    curve = model.log_prob_curve(repeated, [1, 4, 16, 128], generator).view(4, EVENTS, repeats)
    gaps = (curve - exact.log()[:, None]).mean(dim=1)
    mean, error = gaps.mean(dim=1), gaps.std(dim=1) / math.sqrt(repeats)
    assert (mean.diff() > 0).all()
    assert (mean < 4 * torch.hypot(error, uncertainty.mean())).all()
    assert mean[-1] > (-0.1 if kind == "mixture" else -0.05)
    # The density itself is estimated without bias, of every event.
    ratio = (curve[-1] - exact.log()[:, None]).exp()
    spread = torch.hypot(ratio.std(dim=1) / math.sqrt(repeats), uncertainty)
    assert spread.max() < 0.04
    assert ((ratio.mean(dim=1) - 1).abs() < 4 * spread).all()


@pytest.mark.parametrize("permutation", TREATMENTS)
def test_order_of_the_particles_changes_the_draws_alone(
    permutation: str, generator: Generator
) -> None:
    model, repeats = model_of("classifier", permutation), 200
    x = general_events(model.layout, EVENTS, seed=2)
    order = torch.tensor([3, 6, 0, 2, 5, 1, 4]).expand(EVENTS, -1)
    values = []
    for batch in (x, reorder_particles(model.layout)(x, order)):
        repeated = batch.repeat_interleave(repeats, dim=0)
        values.append(model.log_prob_tight(repeated, 32, generator).view(EVENTS, repeats))
    variance = sum(value.var(dim=1) / repeats for value in values)
    difference = values[0].mean(dim=1) - values[1].mean(dim=1)
    assert (difference.square() < 16 * variance).all()


@pytest.mark.parametrize("permutation", TREATMENTS)
def test_scores_say_that_they_are_bounds(permutation: str, generator: Generator) -> None:
    model = model_of("flow", permutation)
    x = general_events(model.layout, 20)
    scores = log_likelihoods(model, x, generator, Importance(draws=8, events=10))
    assert scores.attributes["exact"] is False
    assert list(scores.attributes["draws"]) == [1, 4, 8]
    curve = scores.arrays["log_likelihood_curve"]
    assert curve.shape == (3, 10)
    assert (scores.arrays["log_likelihood_tight"] == curve[-1]).all()
    assert scores.arrays["log_likelihood"].shape == (20,)
    assert curve[0].mean() < curve[-1].mean()


def test_draws_are_needed_where_there_are_too_many_orders() -> None:
    with pytest.raises(ValueError, match="number of importance draws"):
        model = model_of("flow", "sort")
        model.log_prob_tight(general_events(model.layout, 2))


@pytest.mark.parametrize("permutation", TREATMENTS)
def test_up_to_six_particles_are_exact(permutation: str) -> None:
    settings = {"permutation": permutation, **SIZES}
    six = build(BUILDERS["flow"], plain_layout(6), 1, settings)
    assert isinstance(six, TreatedModel) and six.exact
    assert model_of_unordered().exact


def model_of_unordered() -> TreatedModel:
    return trained("classifier", "none", general_layout(PARTICLES, sets=False))


@pytest.mark.parametrize("permutation", TREATMENTS)
def test_what_counts_are_the_particles_that_may_be_present(permutation: str) -> None:
    """Of seven places four are used at most: the tight value is exact."""
    whole = general_layout(PARTICLES)
    sets = tuple(PresenceSet(f"{k}", k) for k in (4, 2))
    layout = Layout(event=whole.event, particle=whole.particle, particles=PARTICLES, sets=sets)
    x = general_events(whole, 400)
    present = (~x[:, 1 : 1 + 2 * PARTICLES : 2].isnan()).sum(dim=1)
    x = x[(present == 4) | (present == 2)]
    settings = {"permutation": permutation, **SIZES, **SETTINGS["classifier"]}
    model = build(BUILDERS["classifier"], layout, 1, settings).double()
    assert isinstance(model, TreatedModel) and model.exact
    model.requires_grad_(False).prepare(x)
    order = torch.tensor([1, 0, 2, 3, 4, 5, 6]).expand(len(x), -1)
    torch.testing.assert_close(
        model.log_prob_tight(reorder_particles(layout)(x, order)), model.log_prob_tight(x)
    )
