"""Every treatment on a layout with all kinds of columns and one to three particles.

Densities are compared with a reference: Gaussian real columns, uniform unit columns, equal
categories and presence sets. Sums of weights, density / reference, over its events are integrals of
the density, and must agree with counts of the samples. This includes the total, so it tests the
normalisation. For models with a bound, exp of it is an unbiased estimate of the density.
"""

import math
from collections.abc import Callable
from functools import cache
from itertools import permutations
from typing import Any

import pytest
import torch
from model_events import BUILDERS, general_events, general_layout
from torch import Generator, Tensor

from hepdensity.models.build import build
from hepdensity.models.flows.treated import TreatedModel
from hepdensity.models.layers.permutation import reorder_particles
from hepdensity.models.layout import Column, Layout, PresenceSet

TREATMENTS = ["none", "stochastic", "sort"]
SYMMETRIC = ["stochastic", "sort"]
EXACT = ["flow", "dropout", "mixture", "classifier"]
BOUND = ["dequantisation", "argmax"]
CATEGORICAL = ["mixture", "classifier", *BOUND]
ABSENT = ["dropout", *CATEGORICAL]
SIZES = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 3}
AUXILIARY = {"layers": 1, "bins": 4, "residual_blocks": 1, "embedding": 3}
SETTINGS: dict[str, dict[str, Any]] = {
    "flow": {},
    "dropout": {"objective": "likelihood"},
    "mixture": {"objective": "likelihood", "embedding": 4},
    "classifier": {"hidden": (8, 8), "embedding": 4},
    "dequantisation": {"noise": "flow", "auxiliary": AUXILIARY, "embedding": 4},
    "argmax": {"noise": "flow", "auxiliary": AUXILIARY, "embedding": 4},
}


def model_of(kind: str, permutation: str, layout: Layout, training: Tensor) -> TreatedModel:
    """A small model, away from the uniform density."""
    settings = {"permutation": permutation, **SIZES, **SETTINGS[kind]}
    model = build(BUILDERS[kind], layout, 3, settings).double()
    assert isinstance(model, TreatedModel)
    for parameter in model.parameters():
        parameter.data *= 0.5
    model.prepare(training)
    return model.requires_grad_(False)


def layout_of(kind: str, particles: int = 3) -> Layout:
    """The most general layout that a kind takes."""
    return general_layout(particles, sets=kind != "flow", categorical=kind in CATEGORICAL)


def training_of(layout: Layout) -> Tensor:
    """Events with 1, 2 and 3 particles in the ratio 3 : 2 : 1."""
    x = general_events(layout, 1800)
    if not layout.sets:
        return x
    present = counted(x, layout)
    return torch.cat([x[present == k][: 150 * (4 - k)] for k in (1, 2, 3)])


@cache
def general_model(kind: str, permutation: str) -> TreatedModel:
    layout = layout_of(kind)
    return model_of(kind, permutation, layout, training_of(layout))


def counted(x: Tensor, layout: Layout) -> Tensor:
    """Number of particles of each event."""
    first = x[:, [layout.block(place)[0] for place in range(layout.particles)]]
    return (~first.isnan()).sum(dim=1)


def reference(model: TreatedModel, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Events of the reference and their log-density."""
    layout = model.layout
    x = torch.rand(n, layout.features, generator=generator, dtype=torch.float64)
    log_density = torch.zeros_like(x)
    means = [] if model.standardisation is None else model.standardisation.mean.tolist()
    spreads = [] if model.standardisation is None else model.standardisation.std.tolist()
    real = 0
    for i in range(layout.features):
        column = layout.column_of(i)
        if column.categories is not None:
            x[:, i] = (x[:, i] * column.categories).floor()
            log_density[:, i] = -math.log(column.categories)
        elif column.support == "real":
            # Wider than the model's Gaussian, so that no weight is large.
            t = 1.2 * torch.special.ndtri(x[:, i])
            x[:, i] = means[real] + spreads[real] * t
            log_norm = 0.5 * math.log(2 * math.pi) + math.log(1.2 * spreads[real])
            log_density[:, i] = -0.5 * (t / 1.2).square() - log_norm
            real += 1
    shift = 0.0
    if layout.sets:
        present = torch.tensor([s.particles for s in layout.sets])
        present = present[torch.randint(len(present), (n,), generator=generator)]
        shift = -math.log(len(layout.sets))
        for place in range(layout.particles):
            rows, block = present <= place, list(layout.block(place))
            x[:, block] = x[:, block].masked_fill(rows[:, None], torch.nan)
    return x, log_density.masked_fill(x.isnan(), 0).sum(dim=1) + shift


def cells(x: Tensor, layout: Layout) -> dict[str, Tensor]:
    """For each of several observables the cell that an event is in."""
    found = {"total": torch.zeros(len(x)), "particles": counted(x, layout)}
    for i in range(layout.features):
        column, name = layout.column_of(i), f"column {i}"
        if column.categories is not None:
            found[name] = x[:, i].nan_to_num(nan=-1.0) + 1
        elif column.support == "unit":
            found[name] = (x[:, i].nan_to_num(nan=-0.1) * 4).floor() + 1
        else:
            centre = {"energy": 1.0, "momentum": 5.0}[column.name]
            found[name] = (x[:, i].nan_to_num(nan=-99) - centre).clamp(-3, 2.9).floor() + 4
    first, second = found["column 1"], found[f"column {layout.features - 1}"]
    found["two columns"] = first * 10 + second
    return {name: cell.long() for name, cell in found.items()}


def tight(model: TreatedModel, x: Tensor, draws: int, generator: Generator) -> Tensor:
    return model.log_prob_tight(x, None if model.exact else draws, generator)


def agree(
    model: TreatedModel, samples: Tensor, n: int, points: Tensor, weights: Tensor
) -> list[str]:
    """Observables of which a cell has other samples, of n draws, than the weights say.

    Cells in which a few weights prevail are left out, as their errors are not known.
    """
    wrong = []
    expected = cells(points, model.layout)
    for name, cell in cells(samples, model.layout).items():
        size = int(max(cell.max(), expected[name].max())) + 1
        share = torch.bincount(cell, minlength=size).double() / n
        sums = [torch.zeros(size, dtype=torch.float64) for _ in range(2)]
        sums[0].index_add_(0, expected[name], weights / len(weights))
        sums[1].index_add_(0, expected[name], (weights / len(weights)).square())
        variance = sums[1] - sums[0].square() / len(weights) + sums[0] * (1 - sums[0]) / n
        known = sums[0].square() > 40 * sums[1]
        if (known & ((share - sums[0]).square() > 16 * variance)).any():
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("permutation", TREATMENTS)
@pytest.mark.parametrize("kind", BUILDERS)
def test_samples_follow_the_normalised_density(
    kind: str, permutation: str, generator: Generator
) -> None:
    """Attempts, not samples: argmax does not renormalise for the types 3 of 0 ... 3."""
    model, n = general_model(kind, permutation), 10_000
    # Few bits of an untrained argmax model agree with its noise: weights of few draws would differ.
    count, draws = (3000, 16) if kind == "argmax" else (n, 4)
    points, log_reference = reference(model, count, generator)
    log_weights = tight(model, points, draws, generator) - log_reference
    assert log_weights.std() > 0.3
    samples = model.attempt(n, generator)
    assert (len(samples) < n) == (kind == "argmax")
    assert agree(model, samples, n, points, log_weights.exp()) == []


def test_the_comparison_of_samples_can_fail(generator: Generator) -> None:
    """Samples whose columns are exchanged, and a density that is not normalised."""
    model, n = general_model("mixture", "none"), 10_000
    points, log_reference = reference(model, n, generator)
    weights = (model.log_prob_tight(points) - log_reference).exp()
    samples = model.sample(n, generator)
    wrong = reorder_particles(model.layout)(samples, torch.tensor([2, 1, 0]).expand(n, -1))
    wrong = wrong.where(counted(samples, model.layout)[:, None] == 3, samples)
    assert agree(model, samples, n, points, weights) == []
    assert agree(model, wrong, n, points, weights) != []
    assert "total" in agree(model, samples, n, points, 1.1 * weights)


@pytest.mark.parametrize("kind", ABSENT)
def test_presence_sets_have_the_counted_probabilities(kind: str, generator: Generator) -> None:
    model, n = general_model(kind, "sort"), 20_000
    expected = torch.tensor([450.5, 300.5, 150.5], dtype=torch.float64) / 901.5
    torch.testing.assert_close(model.log_probabilities.exp(), expected)
    if kind != "argmax":
        found = torch.bincount(counted(model.sample(n, generator), model.layout))[1:] / n
        assert ((found - expected).abs() < 4 * (expected * (1 - expected) / n).sqrt()).all()


def valid(x: Tensor, layout: Layout) -> bool:
    """Whether absent particles, and nothing else, are NaN, and values are in their ranges."""
    present = counted(x, layout)
    allowed = [s.particles for s in layout.sets] or [layout.particles]
    if not torch.isin(present, torch.tensor(allowed)).all():
        return False
    absent = torch.zeros_like(x, dtype=torch.bool)
    for place in range(layout.particles):
        absent[:, list(layout.block(place))] = (present <= place)[:, None]
    if not torch.equal(x.isnan(), absent):
        return False
    for i in range(layout.features):
        column, values = layout.column_of(i), x[~absent[:, i], i]
        if column.categories is not None:
            good = torch.isin(values, torch.arange(float(column.categories), dtype=x.dtype))
        elif column.support == "unit":
            good = (values >= 0) & (values <= 1)
        else:
            good = values.isfinite()
        if not good.all():
            return False
    return True


@pytest.mark.parametrize("permutation", TREATMENTS)
@pytest.mark.parametrize("kind", BUILDERS)
def test_samples_are_valid_events(kind: str, permutation: str, generator: Generator) -> None:
    model = general_model(kind, permutation)
    x = model.sample(300, generator)
    assert x.shape == (300, model.layout.features)
    assert valid(x, model.layout)
    assert tight(model, x, 1, generator).isfinite().all()
    x[7, 2] = torch.nan
    assert not valid(x, model.layout)


@pytest.mark.parametrize("kind", ABSENT)
def test_samples_of_a_set_are_of_that_set(kind: str, generator: Generator) -> None:
    model = general_model(kind, "stochastic")
    for chosen in range(3):
        x = model.sample_set(100, chosen, generator)
        assert (counted(x, model.layout) == chosen + 1).all()
        assert valid(x, model.layout)
    with pytest.raises(ValueError, match="there is no presence set 3"):
        model.sample_set(5, 3, generator)


def moved(x: Tensor, layout: Layout, generator: Generator) -> Tensor:
    """Events with their present particles in a random order."""
    keys = torch.rand(len(x), layout.particles, generator=generator)
    absent = torch.arange(layout.particles) >= counted(x, layout)[:, None]
    return reorder_particles(layout)(x, keys.masked_fill(absent, 2.0).argsort(dim=1))


@pytest.mark.parametrize("kind", EXACT)
def test_tight_value_depends_on_the_order_only_without_a_treatment(
    kind: str, generator: Generator
) -> None:
    layout = layout_of(kind)
    x = general_events(layout, 200, seed=1)
    other = moved(x, layout, generator)
    changed = ~torch.isclose(x, other, equal_nan=True).all(dim=1)
    assert changed.sum() > 50
    for permutation in SYMMETRIC:
        model = general_model(kind, permutation)
        torch.testing.assert_close(model.log_prob_tight(other), model.log_prob_tight(x))
    model = general_model(kind, "none")
    difference = (model.log_prob_tight(other) - model.log_prob_tight(x)).abs()
    assert (difference[changed] > 1e-6).all()
    assert (difference[~changed] == 0).all()


@pytest.mark.parametrize("permutation", SYMMETRIC)
@pytest.mark.parametrize("kind", BOUND)
def test_many_draws_do_not_depend_on_the_order(
    kind: str, permutation: str, generator: Generator
) -> None:
    model, repeats = general_model(kind, permutation), 60
    x = general_events(model.layout, 6, seed=1)
    log_means, relative = [], torch.zeros(6, dtype=torch.float64)
    for batch in (x, moved(x, model.layout, generator)):
        repeated = batch.repeat_interleave(repeats, dim=0)
        values = model.log_prob_tight(repeated, 32, generator).exp().view(6, repeats)
        log_means.append(values.mean(dim=1).log())
        relative += values.var(dim=1) / values.mean(dim=1).square() / repeats
    assert relative.max() < 0.1
    assert ((log_means[0] - log_means[1]).square() < 16 * relative).all()


def over_all_orders(model: TreatedModel, event: Tensor, generator: Generator) -> Tensor:
    """Densities of an event (1, d) in the orders of its present particles, on the cube."""
    layout = model.layout
    present = int(counted(event, layout)[0])
    absent = list(range(present, layout.particles))
    orders = torch.tensor([[*order, *absent] for order in permutations(range(present))])
    repeated = reorder_particles(layout)(event.expand(len(orders), -1), orders)
    jacobian = repeated.new_zeros(len(orders))
    if model.standardisation is not None:
        repeated, jacobian = model.standardisation.inverse(repeated)
    return (model.log_prob_ordered(repeated, generator) + jacobian).exp()


@pytest.mark.parametrize("permutation", SYMMETRIC)
@pytest.mark.parametrize("kind", EXACT)
def test_tight_value_is_the_mean_over_orders_of_present_particles(
    kind: str, permutation: str, generator: Generator
) -> None:
    model = general_model(kind, permutation)
    x = general_events(model.layout, 30, seed=2)
    each = torch.stack([over_all_orders(model, event[None], generator).mean().log() for event in x])
    torch.testing.assert_close(model.log_prob_tight(x), each)


@pytest.mark.parametrize("kind", ABSENT)
def test_one_draw_is_an_unbiased_or_lower_density(kind: str, generator: Generator) -> None:
    stochastic, by_order = (general_model(kind, permutation) for permutation in SYMMETRIC)
    x = general_events(stochastic.layout, 8, seed=3).repeat_interleave(1000, dim=0)
    one = stochastic.log_prob(x, generator).exp().view(8, 1000)
    many = tight(stochastic, x[::1000].repeat(20, 1), 100, generator).exp().view(20, 8)
    spread = one.var(dim=1) / 1000 + many.var(dim=0) / 20
    assert ((one.mean(dim=1) - many.mean(dim=0)).square() < 16 * spread + 1e-18).all()
    if by_order.exact:
        assert (by_order.log_prob(x) <= by_order.log_prob_tight(x) + 1e-12).all()


def small_layout() -> Layout:
    """One particle, of one real column and a type, or none; and a flag of the event."""
    return Layout(
        event=(Column("flag", categories=2),),
        particle=(Column("momentum", "GeV", support="real"), Column("type", categories=3)),
        particles=1,
        sets=(PresenceSet("one", 1), PresenceSet("none", 0)),
    )


def small_events(n: int) -> Tensor:
    """Two thirds with a particle; its type follows the momentum, and the flag too."""
    generator = Generator().manual_seed(5)
    momentum = 5 + 2 * torch.randn(n, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, generator=generator, dtype=torch.float64)
    kind = (momentum + noise > 4).double() + (momentum + noise > 6)
    momentum[::3], kind[::3] = torch.nan, torch.nan
    flag = (momentum.nan_to_num(nan=4.0) + noise > 5).double()
    return torch.stack([momentum, flag, kind], dim=1)


@cache
def small_model(kind: str, permutation: str) -> TreatedModel:
    return model_of(kind, permutation, small_layout(), small_events(600))


def grid_of_all_events() -> tuple[Tensor, Tensor, float]:
    """Events without a particle, and a grid of those with one and its step in the momentum."""
    step = 0.005
    momentum = torch.arange(-13, 23, step, dtype=torch.float64)
    labels = torch.cartesian_prod(torch.arange(2), torch.arange(3)).double()
    one = torch.cat(
        [momentum.repeat(6)[:, None], labels.repeat_interleave(len(momentum), dim=0)], dim=1
    )
    nan = math.nan
    return torch.tensor([[nan, 0, nan], [nan, 1, nan]], dtype=torch.float64), one, step


@pytest.mark.parametrize("permutation", TREATMENTS)
@pytest.mark.parametrize("kind", ["mixture", "classifier"])
def test_density_adds_up_to_one(kind: str, permutation: str) -> None:
    model = small_model(kind, permutation)
    none, one, step = grid_of_all_events()
    sums = [model.log_prob_tight(one).exp().sum() * step, model.log_prob_tight(none).exp().sum()]
    assert model.log_probabilities.exp().tolist() == pytest.approx([400.5 / 601, 200.5 / 601])
    assert torch.stack(sums).tolist() == pytest.approx([400.5 / 601, 200.5 / 601], abs=1e-4)


@pytest.mark.parametrize("noise", ["uniform", "flow"])
@pytest.mark.parametrize("kind", BOUND)
def test_bounds_add_up_to_one(
    kind: str, noise: str, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """exp of a bound is unbiased; for argmax the sum is the share of valid draws of each set."""
    monkeypatch.setitem(SETTINGS, kind, {**SETTINGS[kind], "noise": noise})
    model, n = model_of(kind, "none", small_layout(), small_events(600)), 20_000
    none, one, step = grid_of_all_events()
    attempts = counted(model.attempt(n, generator), model.layout)
    for batch, volume, present in ((one, step, 1), (none.repeat(4000, 1), 1 / 4000, 0)):
        values = model.log_prob_tight(batch, 2, generator).exp() * volume
        expected = (attempts == present).double().mean().item() * len(attempts) / n
        probability = model.log_probabilities.exp()[1 - present].item()
        if kind == "dequantisation":
            expected, spread = probability, 0.0
        else:
            spread = math.sqrt(expected * (1 - expected) / n)
            assert expected < probability + 4 * spread
        error = math.hypot(values.norm().item(), spread)
        assert error < 0.02
        assert abs(values.sum().item() - expected) < 4 * error


@pytest.mark.parametrize("kind", CATEGORICAL)
def test_samples_without_any_particle_are_valid(kind: str, generator: Generator) -> None:
    model = small_model(kind, "sort")
    x = model.sample_set(50, 1, generator)
    assert valid(x, model.layout)
    assert (counted(x, model.layout) == 0).all()
    assert valid(model.sample(200, generator), model.layout)


def bad(kind: str, name: str, place: int | None, value: float) -> Tensor:
    """Events of which the fifth, with two particles, has another value in one column."""
    layout = layout_of(kind)
    x = general_events(layout, 90, seed=4)
    x[4] = x[counted(x, layout) == 2][0]
    x[4, layout.index(name, place)] = value
    return x


Method = Callable[[TreatedModel, Tensor], object]
METHODS: dict[str, Method] = {
    "prepare": lambda model, x: model.prepare(x),
    "log_prob": lambda model, x: model.log_prob(x),
    "log_prob_tight": lambda model, x: model.log_prob_tight(x, None if model.exact else 2),
    "log_prob_curve": lambda model, x: model.log_prob_curve(x, [1, 2]),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("name", "place"),
    [("momentum", 0), ("angle", 1), ("energy", None), ("type", 1), ("flag", None)],
    ids=["first particle", "part of a particle", "event column", "type", "event category"],
)
@pytest.mark.parametrize("kind", ABSENT)
def test_other_patterns_of_absence_are_refused(
    kind: str, name: str, place: int | None, method: str
) -> None:
    if kind == "dropout" and name in ("type", "flag"):
        return
    with pytest.raises(ValueError, match="event 5 has absent values"):
        METHODS[method](general_model(kind, "sort"), bad(kind, name, place, math.nan))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [3.0, -1.0, 0.5])
@pytest.mark.parametrize("kind", CATEGORICAL)
def test_other_categories_are_refused(kind: str, value: float, method: str) -> None:
    model = general_model(kind, "stochastic")
    for name, place, most in (("type", 1, 2), ("flag", None, 1)):
        told = f"event 5: column '{name}' must contain whole numbers from 0 to {most}"
        with pytest.raises(ValueError, match=told):
            METHODS[method](model, bad(kind, name, place, value))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", BUILDERS)
def test_other_numbers_of_columns_are_refused(kind: str, method: str) -> None:
    model = general_model(kind, "none")
    x, columns = general_events(model.layout, 20), model.layout.features
    for wrong in (x[:, :-1], torch.cat([x, x[:, :1]], dim=1)):
        told = f"events of {columns} columns, not {wrong.shape[1]}"
        with pytest.raises(ValueError, match=told):
            METHODS[method](model, wrong)
