"""Diffusion of particles with categories: their probability, and what the fields make of them."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
import torch
from point_sets import with_random_weights
from torch import Tensor

from hepdensity.models.diffusion.columns import PointColumns
from hepdensity.models.diffusion.density import SetDensity, set_density
from hepdensity.models.diffusion.fields import Field
from hepdensity.models.diffusion.networks.category_counts import CategoryCounts
from hepdensity.models.layout import Column, Layout, PresenceSet

SIZES: Mapping[str, Any] = {
    **{"width": 8, "blocks": 1, "attention_heads": 2, "event_width": 8, "event_blocks": 1},
    **{"steps": 8},
}


def layout_of(particles: int, least: int = 1, categories: tuple[int, ...] = (2, 3)) -> Layout:
    """A real event column, and particles with a real column and categorical ones."""
    kinds = [Column(f"k_{i + 1}", categories=count) for i, count in enumerate(categories)]
    return Layout(
        event=(Column("e", support="real"),),
        particle=(Column("x", support="real"), *kinds),
        particles=particles,
        sets=tuple(PresenceSet(f"{k} present", k) for k in range(least, particles + 1)),
    )


def events_of(layout: Layout, n: int, seed: int = 3) -> Tensor:
    """Events with all numbers of particles and random categories, in double precision."""
    numbers = torch.Generator().manual_seed(seed)
    batch = torch.randn(n, layout.features, generator=numbers, dtype=torch.float64)
    count = torch.tensor([one.particles for one in layout.sets])[torch.arange(n) % len(layout.sets)]
    for place in range(layout.particles):
        for column in layout.particle_categorical:
            drawn = torch.randint(column.categories or 1, (n,), generator=numbers)
            batch[:, layout.index(column.name, place)] = drawn.double()
        rows = (place >= count).nonzero()[:, 0]
        for index in layout.block(place):
            batch[rows, index] = torch.nan
    return batch


def model_of(layout: Layout, network: str = "hollow") -> SetDensity:
    """A model with random weights that has counted some events."""
    model = set_density(layout=layout, seed=1, objective="standard", network=network, **SIZES)
    model.prepare(events_of(layout, 60))
    model = model.double()
    for field in (model.event, model.particle):
        assert isinstance(field, Field)
        with_random_weights(field)
    assert model.counts is not None
    randomise(model.counts)
    return model


def randomise(counts: CategoryCounts) -> CategoryCounts:
    numbers = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in counts.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=numbers))
    return counts.double()


# --- probability of the categories --------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 3])
def test_probabilities_of_all_arrangements_sum_to_one(number: int) -> None:
    model = randomise(CategoryCounts(places=4, categories=3, hidden=8))
    rows = [[chosen.count(k) for k in range(3)] for chosen in product(range(3), repeat=number)]
    total = model.log_prob(torch.tensor(rows)).exp().sum().detach()
    assert float(total) == pytest.approx(1, abs=1e-12)


def test_untrained_counts_are_uniform_over_what_is_left() -> None:
    model = CategoryCounts(places=4, categories=3, hidden=8).double()
    # n_1 is 0 ... 2, n_2 is 0 ... 1 then; each of the two arrangements has one half.
    value = model.log_prob(torch.tensor([[1, 1, 0]])).exp().detach()
    assert float(value) == pytest.approx(1 / 3 * 1 / 2 * 1 / 2)


def test_drawn_categories_have_their_probabilities() -> None:
    model = randomise(CategoryCounts(places=3, categories=2, hidden=8))
    draws = 4000
    number = torch.full((draws,), 3)
    categories = model.draw(number, torch.Generator().manual_seed(1))
    found = torch.bincount(categories.sum(dim=1), minlength=4) / draws
    counts = torch.tensor([[3 - ones, ones] for ones in range(4)])
    arrangements = torch.tensor([1.0, 3.0, 3.0, 1.0])
    expected = model.log_prob(counts).exp() * arrangements
    assert ((found - expected).abs() < 4 * (expected / draws).sqrt() + 1e-3).all()
    few = model.draw(torch.tensor([0, 2]), torch.Generator().manual_seed(1))
    assert few[0].tolist() == [-1, -1, -1]
    assert (few[1, :2] >= 0).all() and int(few[1, 2]) == -1


# --- columns ------------------------------------------------------------------------------------


def test_combinations_of_categories_are_numbered() -> None:
    layout = layout_of(2)
    columns, batch = PointColumns(layout), events_of(layout, 8)
    categories = columns.categories_of(batch)
    assert categories is not None
    first = batch[:, layout.index("k_1", 0)] * 3 + batch[:, layout.index("k_2", 0)]
    assert categories[:, 0].tolist() == first.tolist()
    assert (categories[::2, 1] == -1).all()
    erased = batch.clone()
    erased[:, layout.slices[3]] = 0.0
    again = columns.with_categories(erased, categories)
    torch.testing.assert_close(again, batch, equal_nan=True)


@pytest.mark.parametrize("value", [-1.0, 0.5, 2.0])
def test_value_that_is_no_category(value: float) -> None:
    layout = layout_of(2)
    batch = events_of(layout, 4)
    batch[2, layout.index("k_1", 0)] = value
    model = model_of(layout)
    for use in (model.log_prob, model.prepare, model.loss):
        with pytest.raises(ValueError, match="event 3 has a value that is no category"):
            use(batch)


def test_category_of_an_absent_particle() -> None:
    layout = layout_of(2)
    batch = events_of(layout, 4)
    batch[0, layout.index("k_1", 1)] = 1.0
    with pytest.raises(ValueError, match="event 1 has absent values"):
        model_of(layout).log_prob(batch)


# --- density ------------------------------------------------------------------------------------


def test_density_of_one_particle_integrates_to_one() -> None:
    """Over the category of the particle, its coordinate and the event column."""
    layout = layout_of(1, categories=(2,))
    model = model_of(layout)
    grid = torch.linspace(-7, 7, 80, dtype=torch.float64)
    e, x = torch.meshgrid(grid, grid, indexing="ij")
    width = float(grid[1] - grid[0])
    total = 0.0
    for kind in range(2):
        rows = torch.stack([e.flatten(), x.flatten(), torch.full_like(x.flatten(), kind)], dim=1)
        total += float(model.log_prob(rows).detach().exp().sum()) * width**2
    assert total == pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize("network", ["full", "hollow"])
def test_order_of_particles_does_not_matter(network: str) -> None:
    layout = layout_of(3, least=3)
    model, batch = model_of(layout, network), events_of(layout, 6)
    turned = batch.clone()
    for place, source in enumerate((2, 0, 1)):
        turned[:, layout.block(place)] = batch[:, layout.block(source)]
    assert not torch.equal(turned, batch)
    parts, found = model.log_parts(batch), model.log_parts(turned)
    assert set(parts) == {"N", "categories", "event", "particles"}
    for name, values in parts.items():
        torch.testing.assert_close(found[name], values)


@pytest.mark.parametrize("network", ["full", "hollow"])
def test_categories_change_the_density_of_the_coordinates(network: str) -> None:
    """Also if two particles exchange their categories, so that the counts do not change."""
    layout = layout_of(2, least=2)
    model, batch = model_of(layout, network), events_of(layout, 30)
    turned = batch.clone()
    for column in layout.particle_categorical:
        first, second = (layout.index(column.name, place) for place in (0, 1))
        turned[:, [first, second]] = batch[:, [second, first]]
    differ = (turned != batch).any(dim=1)
    parts, found = model.log_parts(batch), model.log_parts(turned)
    torch.testing.assert_close(found["categories"], parts["categories"])
    torch.testing.assert_close(found["event"], parts["event"])
    assert differ.sum() > 10
    assert ((found["particles"] - parts["particles"]).abs() > 1e-6)[differ].all()


def test_larger_events_in_the_batch_do_not_matter() -> None:
    layout = layout_of(2)
    model, batch = model_of(layout), events_of(layout, 6)
    torch.testing.assert_close(model.log_prob(batch[::2]), model.log_prob(batch)[::2])


def test_samples_have_categories() -> None:
    layout = layout_of(3)
    model = model_of(layout)
    drawn = model.sample(200, torch.Generator().manual_seed(1))
    parts = model.log_parts(drawn)
    assert all(values.isfinite().all() for values in parts.values())
    categories = model.columns.categories_of(drawn)
    assert categories is not None
    assert set(categories.unique().tolist()) <= set(range(-1, 6))


def test_losses_have_the_categories_first() -> None:
    layout = layout_of(3)
    model, batch = model_of(layout), events_of(layout, 30)
    losses = model.factor_losses(batch, torch.Generator().manual_seed(1))
    assert losses.shape == (3,)
    expected = -model.log_parts(batch)["categories"].mean()
    torch.testing.assert_close(losses[0], expected)
    assert [group[0] for group in model.factors()] == [model.counts, model.event, model.particle]
