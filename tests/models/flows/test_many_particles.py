"""More than six particles: the tight value is a bound from drawn orders, and says so."""

import math
from itertools import permutations

import pytest
import torch
from model_events import plain_layout
from torch import Generator, Tensor

from hepdensity.evaluation.likelihood import Importance, log_likelihoods
from hepdensity.models.flows.flow import spline_flow
from hepdensity.models.flows.treated import TreatedModel

PARTICLES = 7
SIZES = {"layers": 1, "bins": 4, "residual_blocks": 1, "units_per_dim": 2}


def model_of(permutation: str, particles: int = PARTICLES) -> TreatedModel:
    """A flow whose density depends on the order of the particles."""
    layout = plain_layout(particles, width=1)
    model = spline_flow(layout=layout, permutation=permutation, seed=1, **SIZES).double()
    for parameter in model.parameters():
        parameter.data *= 2
    return model.requires_grad_(False)


def events(n: int) -> Tensor:
    return torch.rand(n, PARTICLES, generator=Generator().manual_seed(2), dtype=torch.float64)


def mean_over_all_orders(model: TreatedModel, x: Tensor) -> Tensor:
    orders = torch.tensor(list(permutations(range(PARTICLES))))
    values = [model.log_prob_ordered(event[orders]) for event in x]
    return torch.stack(values).logsumexp(dim=1) - math.log(len(orders))


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
def test_bound_approaches_the_mean_over_all_orders(permutation: str, generator: Generator) -> None:
    model, x, repeats = model_of(permutation), events(4), 200
    assert not model.exact
    exact = mean_over_all_orders(model, x)
    repeated = x.repeat_interleave(repeats, dim=0)
    few, many = model.log_prob_curve(repeated, [2, 128], generator).view(2, 4, repeats)
    error = many.std(dim=1) / math.sqrt(repeats)
    assert (few.mean(dim=1) < many.mean(dim=1) + 4 * error).all()
    assert (many.mean(dim=1) < exact + 4 * error).all()
    torch.testing.assert_close(many.mean(dim=1), exact, atol=0.1, rtol=0)
    # The density is estimated without bias.
    estimate = many.exp().mean(dim=1)
    spread = many.exp().std(dim=1) / math.sqrt(repeats)
    assert ((estimate - exact.exp()).abs() < 4 * spread).all()


def test_six_particles_are_exact() -> None:
    assert model_of("stochastic", particles=6).exact
    assert model_of("none").exact


def test_number_of_draws_is_needed() -> None:
    with pytest.raises(ValueError, match="number of importance draws"):
        model_of("sort").log_prob_tight(events(2))


def test_scores_say_that_they_are_bounds(generator: Generator) -> None:
    scores = log_likelihoods(model_of("stochastic"), events(20), generator, Importance(8, 10))
    assert not scores.attributes["exact"]
    assert list(scores.attributes["draws"]) == [1, 4, 8]
    assert scores.arrays["log_likelihood_tight"].shape == (10,)
