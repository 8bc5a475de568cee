"""Particle permutations: structure, and their bounds against enumeration."""

import math
from collections import Counter

import pytest
import torch

from hepdensity.models.base import LayerKind
from hepdensity.models.layers.labels import split_category, with_codes
from hepdensity.models.layers.permutation import (
    FixedPermutation,
    SortSurjection,
    StochasticPermutation,
    particle_layer,
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


def labelled_events(n: int) -> torch.Tensor:
    codes = torch.randint(7680, (n,), generator=torch.Generator().manual_seed(3))
    return with_codes(events(n), split_category(codes))


@pytest.mark.parametrize("treatment", ["stochastic", "sort"])
def test_labels_move_with_their_particles(treatment: str) -> None:
    layer, x = particle_layer(treatment, 4, labelled=True), labelled_events(200)
    assert layer is not None
    z, _ = layer.inverse(x, None, torch.Generator().manual_seed(1))
    assert torch.equal(z[:, 8:11], x[:, 8:11])
    for before, behind in zip(x, z, strict=True):
        parts = [{(*e[2 * i : 2 * i + 2], *e[11 + 2 * i : 13 + 2 * i]) for i in range(4)}
                 for e in (before.tolist(), behind.tolist())]  # fmt: skip
        assert parts[0] == parts[1]
    if treatment == "sort":
        assert (z[:, 0:8:2].diff(dim=1) < 0).all()


@pytest.mark.parametrize("treatment", ["stochastic", "sort"])
def test_events_with_dropped_particles_stay_as_they_are(treatment: str) -> None:
    layer, x = particle_layer(treatment, 4), events(400)
    assert layer is not None
    x[::2, 2:] = torch.nan
    z, contribution = layer.inverse(x, None, torch.Generator().manual_seed(1))
    torch.testing.assert_close(z[::2], x[::2], equal_nan=True, atol=0, rtol=0)
    assert (contribution[::2] == 0).all()
    assert not torch.equal(z[1::2], x[1::2])
    assert contribution[1::2].unique().tolist() == pytest.approx(
        [-math.log(24) if treatment == "sort" else 0]
    )
