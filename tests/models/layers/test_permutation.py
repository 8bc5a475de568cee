"""Particle permutations: structure, and their bounds against enumeration."""

import math
from collections import Counter

import pytest
import torch

from hepdensity.models.base import LayerKind
from hepdensity.models.layers.permutation import (
    FixedPermutation,
    SortSurjection,
    StochasticPermutation,
    permute_particles,
)


def events(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_permute_moves_whole_particles() -> None:
    x = torch.arange(8.0).view(1, 8)
    order = torch.tensor([[2, 0, 3, 1]])
    assert permute_particles(x, order).tolist() == [[4, 5, 0, 1, 6, 7, 2, 3]]


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_stochastic_permutation_draws_all_orders_alike(direction: str) -> None:
    layer = StochasticPermutation(3)
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
    z, contribution = SortSurjection(4).inverse(x)
    keys = z.view(-1, 4, 2)[:, :, 0]
    assert (keys.diff(dim=1) < 0).all()
    pairs = [{tuple(p) for p in e.view(4, 2).tolist()} for e in x]
    assert pairs == [{tuple(p) for p in e.view(4, 2).tolist()} for e in z]
    assert contribution.tolist() == pytest.approx([-math.log(24)] * 100)


def test_inverse_is_a_right_inverse_of_forward_for_sorted_events() -> None:
    layer = SortSurjection(4)
    z, _ = layer.inverse(events(100))
    x, _ = layer.forward(z, None, torch.Generator().manual_seed(1))
    assert not torch.equal(x, z)
    again, _ = layer.inverse(x)
    assert torch.equal(again, z)


def test_same_generator_state_same_shuffle() -> None:
    x = events(10)
    layer = StochasticPermutation(4)
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
