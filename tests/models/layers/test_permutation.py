"""Particle permutations: structure, and their bounds against enumeration."""

import math
from collections import Counter

import pytest
import torch
from model_events import general_events, general_layout, joined_events, joined_layout, plain_layout

from hepdensity.models.base import LayerKind
from hepdensity.models.layers.permutation import (
    FixedPermutation,
    SortSurjection,
    StochasticPermutation,
    particle_layer,
    permute_particles,
    reorder_particles,
)
from hepdensity.models.layout import Column, Layout


def events(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_permute_moves_whole_particles() -> None:
    x = torch.arange(8.0).view(1, 8)
    order = torch.tensor([[2, 0, 3, 1]])
    assert permute_particles(x, order).tolist() == [[4, 5, 0, 1, 6, 7, 2, 3]]


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_stochastic_permutation_draws_all_orders_alike(direction: str) -> None:
    layer = StochasticPermutation(plain_layout(3, 1))
    x = torch.arange(3.0).expand(12_000, 3)
    y, contribution = getattr(layer, direction)(x, None, torch.Generator().manual_seed(4))
    counts = Counter(map(tuple, y.tolist()))
    assert len(counts) == 6
    assert all(abs(count - 2000) < 4 * math.sqrt(2000) for count in counts.values())
    assert (contribution == 0).all()
    assert layer.kind is LayerKind.STOCHASTIC
    assert layer.kind.bound


def test_sort_is_descending_in_the_first_coordinate_of_each_particle() -> None:
    x = events(100)
    z, contribution = SortSurjection(plain_layout()).inverse(x)
    keys = z.view(-1, 4, 2)[:, :, 0]
    assert (keys.diff(dim=1) < 0).all()
    pairs = [{tuple(p) for p in e.view(4, 2).tolist()} for e in x]
    assert pairs == [{tuple(p) for p in e.view(4, 2).tolist()} for e in z]
    assert contribution.tolist() == pytest.approx([-math.log(24)] * 100)


def test_inverse_is_a_right_inverse_of_forward_for_sorted_events() -> None:
    layer = SortSurjection(plain_layout())
    z, _ = layer.inverse(events(100))
    x, _ = layer.forward(z, None, torch.Generator().manual_seed(1))
    assert not torch.equal(x, z)
    again, _ = layer.inverse(x)
    assert torch.equal(again, z)


def test_same_generator_state_same_shuffle() -> None:
    x = events(10)
    layer = StochasticPermutation(plain_layout())
    first, _ = layer.inverse(x, None, torch.Generator().manual_seed(7))
    second, _ = layer.inverse(x, None, torch.Generator().manual_seed(7))
    assert torch.equal(first, second)


def test_fixed_permutation_travels_with_the_weights() -> None:
    first = FixedPermutation(8, torch.Generator().manual_seed(1))
    second = FixedPermutation(8, torch.Generator().manual_seed(2))
    assert not torch.equal(first.order, second.order)
    second.load_state_dict(first.state_dict())
    x = events(5)
    assert torch.equal(first.inverse(x)[0], second.inverse(x)[0])


def labelled_events(n: int) -> torch.Tensor:
    codes = torch.randint(7680, (n,), generator=torch.Generator().manual_seed(3))
    return joined_events(events(n), codes)


@pytest.mark.parametrize("treatment", ["stochastic", "sort"])
def test_categories_move_with_their_particles(treatment: str) -> None:
    layer, x = particle_layer(treatment, joined_layout(4)), labelled_events(200)
    assert layer is not None
    z, _ = layer.inverse(x, None, torch.Generator().manual_seed(1))
    assert torch.equal(z[:, 8:11], x[:, 8:11])
    for before, behind in zip(x, z, strict=True):
        parts = [{(*e[2 * i : 2 * i + 2], *e[11 + 2 * i : 13 + 2 * i]) for i in range(4)}
                 for e in (before.tolist(), behind.tolist())]  # fmt: skip
        assert parts[0] == parts[1]
    if treatment == "sort":
        assert (z[:, 0:8:2].diff(dim=1) < 0).all()


def test_event_columns_stay_where_they_are() -> None:
    layout = general_layout(sets=False)
    x = general_events(layout, 5)
    moved = reorder_particles(layout)(x, torch.tensor([2, 0, 1]).expand(5, -1))
    assert torch.equal(moved, x[:, [0, 5, 6, 1, 2, 3, 4, 7, 10, 8, 9]])


@pytest.mark.parametrize("treatment", ["stochastic", "sort"])
def test_particles_that_are_present_are_permuted_among_their_places(treatment: str) -> None:
    layout = general_layout()
    layer, x = particle_layer(treatment, layout), general_events(layout, 400)
    assert layer is not None
    z, contribution = layer.inverse(x, None, torch.Generator().manual_seed(1))
    assert torch.equal(z.isnan(), x.isnan())
    assert torch.equal(z[:, [0, 7]], x[:, [0, 7]])
    present = 3 - x[:, [1, 3, 5]].isnan().sum(dim=1)
    for before, behind, count in zip(x.tolist(), z.tolist(), present.tolist(), strict=True):
        parts = [{(*e[1 + 2 * i : 3 + 2 * i], e[8 + i]) for i in range(count)}
                 for e in (before, behind)]  # fmt: skip
        assert parts[0] == parts[1]
    if treatment == "sort":
        assert not (z[:, [1, 3, 5]].diff(dim=1) > 0).any()
    expected = torch.lgamma(present + 1.0).double() * (-1 if treatment == "sort" else 0)
    torch.testing.assert_close(contribution, expected, atol=1e-6, rtol=0)
    assert not torch.equal(z[present == 3], x[present == 3])


def test_particles_without_a_key_cannot_be_sorted() -> None:
    layout = Layout((Column("x"),), (Column("type", categories=2),), 3)
    with pytest.raises(ValueError, match="'sort' needs a continuous column"):
        particle_layer("sort", layout)
    assert particle_layer("stochastic", layout) is not None
