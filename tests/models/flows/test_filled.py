"""The flow with noise for absent particles: bound, samples and refusals."""

import math
from functools import cache
from typing import Any

import pytest
import torch
from model_events import general_events, general_layout
from torch import Generator, Tensor

from hepdensity.models.base import Trainable
from hepdensity.models.build import build
from hepdensity.models.flows.filled import FilledFlow
from hepdensity.models.layout import Column, Layout, PresenceSet

BUILDER = "hepdensity.models.flows.filled:filled_flow"
SIZES = {"layers": 2, "bins": 6, "residual_blocks": 1, "units_per_dim": 4}
LAYOUT = general_layout(angle="real")
SMALL = Layout(
    event=(),
    particle=(Column("x", support="real"), Column("type", categories=2)),
    particles=1,
    sets=(PresenceSet("one", 1), PresenceSet("none", 0)),
)
"""At most one particle, with one number and one of two types."""


def numbers(seed: int = 1) -> Generator:
    return Generator().manual_seed(seed)


@cache
def model(permutation: str = "stochastic") -> FilledFlow:
    built = build(BUILDER, LAYOUT, 2, {"permutation": permutation, **SIZES}).double()
    assert isinstance(built, FilledFlow)
    built.prepare(general_events(LAYOUT, 600))
    return built.requires_grad_(False)


@cache
def small() -> FilledFlow:
    built = build(BUILDER, SMALL, 2, {"permutation": "none", **SIZES}).double()
    assert isinstance(built, FilledFlow)
    x = torch.randn(400, 2, generator=numbers(), dtype=torch.float64)
    x[:, 1] = (x[:, 1] > 0).double()
    x[300:] = torch.nan
    built.prepare(x)
    # The bound is tight only once the flow knows the noise.
    train(built, x, steps=250)
    return built.requires_grad_(False)


def train(chosen: Trainable, events: Tensor, steps: int) -> list[float]:
    """Losses of some steps."""
    optimiser = torch.optim.Adam(chosen.parameters(), 1e-2)
    losses = []
    for step in range(steps):
        optimiser.zero_grad()
        loss = chosen.loss(events, numbers(step))
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def test_density_of_events_with_one_particle_and_share_of_none_add_up_to_one() -> None:
    x = torch.linspace(-12, 12, 601, dtype=torch.float64)
    total = torch.zeros(())
    for kind in (0.0, 1.0):
        points = torch.stack([x, torch.full_like(x, kind)], dim=1)
        values = small().log_prob_tight(points, 256, numbers())
        total = total + torch.trapezoid(values.exp(), x)
    share = float(small().sample(20_000, numbers())[:, 0].isnan().double().mean())
    assert float(total) + share == pytest.approx(1, abs=0.02)


def test_one_draw_is_below_the_tight_value_on_average() -> None:
    events = general_events(LAYOUT, 300, seed=5)
    one = model().log_prob(events, numbers())
    tight = model().log_prob_tight(events, 64, numbers())
    assert float(one.mean()) < float(tight.mean())
    assert not model().exact and model().bound


def test_empty_events_are_drawn_somewhat_more_often_than_the_bound_says() -> None:
    drawn = small().sample(20_000, numbers())
    nothing = torch.full((1, 2), torch.nan, dtype=torch.float64).expand(4_000, -1)
    bound = float(small().log_prob(nothing, numbers()).exp().mean())
    share = float(drawn[:, 0].isnan().double().mean())
    assert 0.6 * share < bound < share


@pytest.mark.parametrize("permutation", ["none", "stochastic", "sort"])
def test_samples_are_events_of_the_layout(permutation: str) -> None:
    chosen = model(permutation)
    drawn = chosen.sample(200, numbers())
    assert drawn.shape == (200, LAYOUT.features)
    chosen.check(drawn)
    assert chosen.log_prob(drawn, numbers()).isfinite().all()


def test_samples_of_a_set_are_of_that_set() -> None:
    drawn = model().sample_set(50, 1, numbers())
    assert len(drawn) == 50
    assert set(model().sets_of(drawn).tolist()) == {1}  # type: ignore[union-attr]


def test_log_prob_contains_the_frequency_of_the_presence_set_only_once() -> None:
    """The density does not depend on what was counted."""
    events = general_events(LAYOUT, 50, seed=7)
    before = model().log_prob(events, numbers())
    other = build(BUILDER, LAYOUT, 2, {"permutation": "stochastic", **SIZES}).double()
    assert isinstance(other, FilledFlow)
    skewed = general_events(LAYOUT, 600)
    other.prepare(skewed)
    dropout: Any = other.dropout
    dropout.log_probabilities.copy_(torch.tensor([0.8, 0.1, 0.1]).log())
    torch.testing.assert_close(other.log_prob(events, numbers()), before)
    assert dropout.log_probabilities[0] == pytest.approx(math.log(0.8))


def test_training_lowers_the_loss() -> None:
    chosen = build(BUILDER, LAYOUT, 2, {"permutation": "sort", **SIZES}).double()
    events = general_events(LAYOUT, 400)
    chosen.prepare(events)
    losses = train(chosen, events, steps=30)
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (general_layout(sets=False, angle="real"), "may be absent"),
        (general_layout(categorical=False, angle="real"), "categorical columns"),
        (general_layout(), r"'angle' has values in \[0, 1\]"),
    ],
)
def test_other_layouts_are_refused(layout: Layout, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(BUILDER, layout, 1, {"permutation": "none", **SIZES})
