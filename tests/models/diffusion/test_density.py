"""The density of events with points: its factors, samples, training and bad input."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from point_sets import real_events, real_layout, with_random_weights
from torch import Tensor

from hepdensity.checkpoint import load_weights, save_weights
from hepdensity.models.build import build_as
from hepdensity.models.diffusion.density import SetDensity, set_density
from hepdensity.models.diffusion.fields import Field
from hepdensity.models.layout import Column, Layout, PresenceSet

SIZES: Mapping[str, Any] = {
    **{"width": 8, "blocks": 1, "attention_heads": 2, "event_width": 8, "event_blocks": 1},
    **{"steps": 8},
}
BUILDER = "hepdensity.models.diffusion.density:set_density"


def model_of(layout: Layout, network: str = "hollow", **settings: Any) -> SetDensity:
    """A model with random weights that has counted some events."""
    given = {**SIZES, "objective": "standard", "network": network, **settings}
    model = set_density(layout=layout, seed=1, **given)
    model.prepare(real_events(layout, 60))
    for field in (model.event, model.particle):
        if isinstance(field, Field):
            with_random_weights(field)
    return model


@pytest.mark.parametrize(
    ("layout", "parts"),
    [
        (real_layout(), {"N", "event", "particles"}),
        (real_layout(event=0), {"N", "particles"}),
        (real_layout(particles=0, event=2, width=0), {"N", "event"}),
        (
            Layout(event=(), particle=(Column("p", support="real"),), particles=2),
            {"N", "particles"},
        ),
    ],
    ids=["all", "particles", "event", "fixed number"],
)
def test_parts_sum_to_the_log_density(layout: Layout, parts: set[str]) -> None:
    if not layout.sets:
        batch = torch.randn(9, layout.features, dtype=torch.float64)
        model = set_density(layout=layout, seed=1, objective="standard", **SIZES).double()
        model.prepare(batch)
    else:
        model, batch = model_of(layout), real_events(layout, 9)
    found = model.log_parts(batch)
    assert set(found) == parts
    torch.testing.assert_close(sum(found.values()), model.log_prob(batch))
    torch.testing.assert_close(model.log_prob_tight(batch), model.log_prob(batch))
    assert model.exact and not model.bound


def test_numbers_of_particles_are_counted_with_smoothing_and_sum_to_one() -> None:
    layout = real_layout(particles=3, least=0)
    model = set_density(
        layout=layout, seed=1, objective="standard", smoothing=2.0, **SIZES
    ).double()
    events = real_events(layout, 40)
    model.prepare(events[events[:, 1:].isnan().sum(dim=1) != 2])  # none with two particles
    expected = torch.tensor([12, 12, 2, 12], dtype=torch.float64) / 38
    torch.testing.assert_close(model.log_probabilities.exp(), expected)
    assert float(model.log_probabilities.exp().sum()) == pytest.approx(1)
    number = model.log_parts(real_events(layout, 4))["N"]
    torch.testing.assert_close(number.exp(), expected)


def test_given_probabilities_are_used() -> None:
    columns = (Column("p", support="real"),)
    sets = (PresenceSet("one", 1, 0.25), PresenceSet("two", 2, 0.75))
    layout = Layout(event=(), particle=columns, particles=2, sets=sets)
    model = model_of(layout)
    torch.testing.assert_close(model.log_probabilities.exp(), torch.tensor([0.25, 0.75]).double())


def test_a_new_model_is_the_gaussian_with_the_moments_of_the_events() -> None:
    """The Jacobians of the standardisation are in each part."""
    layout = real_layout()
    events = real_events(layout, 200)
    model = set_density(layout=layout, seed=1, objective="standard", **SIZES).double()
    model.prepare(events)
    parts = model.log_parts(events)
    log = torch.zeros_like(events)
    columns = ([0], [1, 3, 5], [2, 4, 6])
    for chosen in columns:
        values = events[:, chosen]
        known = values[~values.isnan()]
        normal = torch.distributions.Normal(known.mean(), known.std())
        log[:, chosen] = normal.log_prob(values.nan_to_num()).masked_fill(values.isnan(), 0)
    torch.testing.assert_close(parts["event"], log[:, 0])
    torch.testing.assert_close(parts["particles"], log[:, 1:].sum(dim=1))


@pytest.mark.parametrize("network", ["full", "hollow"])
def test_order_of_particles_does_not_matter(network: str) -> None:
    layout = real_layout(least=3)
    model, batch = model_of(layout, network), real_events(layout, 6)
    turned = batch[:, [0, 3, 4, 5, 6, 1, 2]]
    torch.testing.assert_close(model.log_prob(turned), model.log_prob(batch))


def test_particles_depend_on_the_event_and_its_number() -> None:
    layout = real_layout()
    model, batch = model_of(layout), real_events(layout, 8)
    moved = batch.clone()
    moved[:, 0] += 1
    before, after = model.log_parts(batch), model.log_parts(moved)
    some = model.numbers[torch.arange(8) % 4] > 0
    assert ((before["particles"] - after["particles"]).abs() > 1e-6)[some].all()
    assert (before["particles"][~some] == 0).all()


def test_conditions_stay_within_the_range_of_the_training() -> None:
    """Far outside, the particles are conditioned on the edge; the event itself is not moved."""
    layout = real_layout(least=3)
    model, batch = model_of(layout), real_events(layout, 2)
    highest = real_events(layout, 60)[:, 0].max()
    values = []
    for event in (highest, highest + 5, highest + 100):
        batch[:, 0] = event
        values.append(model.log_parts(batch))
    torch.testing.assert_close(values[1]["particles"], values[0]["particles"])
    torch.testing.assert_close(values[2]["particles"], values[0]["particles"])
    assert (values[2]["event"] < values[1]["event"]).all()


def test_samples_have_the_layout_and_their_set() -> None:
    layout = real_layout()
    model = model_of(layout)
    numbers = torch.Generator().manual_seed(1)
    drawn = model.sample(400, numbers)
    assert drawn.shape == (400, layout.features)
    assert model.log_prob(drawn[:20]).isfinite().all()
    count = (~drawn[:, 1::2].isnan()).sum(dim=1)
    share = torch.bincount(count, minlength=4) / 400
    expected = model.log_probabilities.exp()
    assert ((share - expected).abs() < 4 * (expected / 400).sqrt()).all()
    two = model.sample_set(5, 2, numbers)
    assert (~two[:, 1::2].isnan()).sum(dim=1).tolist() == [2] * 5
    same = model.sample(9, torch.Generator().manual_seed(7))
    torch.testing.assert_close(
        model.sample(9, torch.Generator().manual_seed(7)), same, equal_nan=True
    )


def test_samples_follow_the_density() -> None:
    """Mean of log p over samples is minus the entropy of p, by importance sampling."""
    layout = real_layout(particles=1, least=1, width=1, event=0)
    model = model_of(layout, steps=24)
    drawn = model.sample(400, torch.Generator().manual_seed(2))
    x = torch.linspace(-30, 30, 1000, dtype=torch.float64)[:, None]
    log = model.log_prob(x)
    width = 60 / 999
    assert float(log.exp().sum() * width) == pytest.approx(1, abs=5e-3)
    mean = float((log.exp() * x[:, 0]).sum() * width)
    spread = math.sqrt(float((log.exp() * (x[:, 0] - mean) ** 2).sum() * width))
    assert float(drawn.mean()) == pytest.approx(mean, abs=4 * spread / 20)
    entropy = -float((log.exp() * log).sum() * width)
    found = -model.log_prob(drawn)
    assert float(found.mean()) == pytest.approx(entropy, abs=4 * float(found.std()) / 20)


@pytest.mark.parametrize("objective", ["standard", "maximum-likelihood", "flow-matching"])
def test_losses_of_the_factors(objective: str) -> None:
    layout = real_layout()
    model, batch = model_of(layout, objective=objective), real_events(layout, 32)
    numbers = torch.Generator().manual_seed(1)
    both = model.factor_losses(batch, numbers)
    assert both.shape == (2,)
    event, particle = (group[0] for group in model.factors())
    own, other = (
        torch.autograd.grad(both[0], [*field.parameters()], retain_graph=True, allow_unused=True)
        for field in (event, particle)
    )
    assert any(slope is not None and bool((slope != 0).any()) for slope in own)
    assert all(slope is None or bool((slope == 0).all()) for slope in other)
    same = model.loss(batch, torch.Generator().manual_seed(1))
    torch.testing.assert_close(same, both.sum())


def test_probes_need_a_generator_but_the_tight_value_does_not() -> None:
    layout = real_layout()
    model, batch = model_of(layout, "full", divergence="hutchinson"), real_events(layout, 4)
    with pytest.raises(ValueError, match="give a generator"):
        model.log_prob(batch)
    tight = model.log_prob_tight(batch)
    exact = model_of(layout, "full", divergence="exact").log_prob(batch)
    torch.testing.assert_close(tight, exact)
    noisy = model.log_prob(batch, torch.Generator().manual_seed(1))
    assert (noisy - tight).abs().max() > 1e-3


# --- bad input ----------------------------------------------------------------------------------


def wrong(change: str) -> Tensor:
    layout = real_layout(least=1)
    batch = real_events(layout, 4)
    if change == "columns":
        return batch[:, 1:]
    columns = {"event": [0], "hole": [1, 2], "half": [2], "none": [1, 2, 3, 4, 5, 6]}[change]
    batch[2, columns] = torch.nan
    return batch


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("columns", "takes events of 7 columns"),
        ("event", "event 3 has NaN in its event columns"),
        ("hole", "event 3 has absent values"),
        ("half", "event 3 has absent values"),
        ("none", "event 3 has a number of particles"),
    ],
)
def test_events_that_do_not_fit(change: str, message: str) -> None:
    model = model_of(real_layout(least=1))
    for use in (model.log_prob, model.prepare, model.loss):
        with pytest.raises(ValueError, match=message):
            use(wrong(change))


def test_nothing_counted() -> None:
    layout = real_layout()
    model = set_density(layout=layout, seed=1, objective="standard", **SIZES)
    with pytest.raises(ValueError, match="call prepare"):
        model.log_prob(real_events(layout, 2))


def test_checkpoint_of_another_network(tmp_path: Path) -> None:
    path, layout = tmp_path / "weights.safetensors", real_layout()
    save_weights(path, model_of(layout, "full"), {})
    with pytest.raises(ValueError, match=r"weights\.safetensors: the weights do not fit"):
        load_weights(path, model_of(layout, "hollow"))
    again = set_density(
        layout=layout, seed=5, objective="standard", network="full", **SIZES
    ).double()
    load_weights(path, again)
    batch = real_events(layout, 5)
    torch.testing.assert_close(again.log_prob(batch), model_of(layout, "full").log_prob(batch))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "best"}, "unknown objective 'best'"),
        ({"network": "deep"}, "unknown network 'deep'"),
        ({"divergence": "hollow", "network": "full"}, "needs network 'hollow'"),
        ({"width": 9}, "not a multiple of 2"),
        ({"solver": "euler"}, "unknown solver"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], message: str) -> None:
    given = {**SIZES, "objective": "standard", **settings}
    with pytest.raises(ValueError, match=message):
        build_as(SetDensity, BUILDER, real_layout(), 1, given)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (Column("kind", categories=3), "'kind' is categorical"),
        (Column("share"), r"'share' is within \[0, 1\]"),
    ],
)
def test_columns_that_are_no_real_numbers(column: Column, message: str) -> None:
    layout = Layout(event=(column,), particle=(), particles=0)
    with pytest.raises(ValueError, match=message):
        set_density(layout=layout, seed=1, objective="standard")


def test_no_particles_at_all() -> None:
    """An event without particles has the density of its columns and of N = 0."""
    layout = real_layout()
    model = model_of(layout)
    batch = real_events(layout, 4)[:1]
    assert batch[:, 1:].isnan().all()
    parts = model.log_parts(batch)
    assert parts["particles"].tolist() == [0.0]
    assert parts["event"].isfinite().all()
    assert model.sample_set(3, 0, torch.Generator().manual_seed(1))[:, 1:].isnan().all()
    with pytest.raises(ValueError, match="no presence set 4"):
        model.sample_set(3, 4)
