"""Codes of categorical columns: numbering, absent particles, refusals."""

import pytest
import torch
from model_events import (
    categories,
    category,
    general_events,
    general_layout,
    joined_events,
    joined_layout,
    reorder,
)

from hepdensity.models.layers.coding import Coding, combined, split
from hepdensity.models.layout import Code, Column, Layout


@pytest.fixture
def every_category() -> torch.Tensor:
    """One event of each of the 64 x 120 categories of four particles."""
    x = torch.rand(7680, 8, generator=torch.Generator().manual_seed(1))
    return joined_events(x, torch.arange(7680))


def test_categories_round_trip(every_category: torch.Tensor) -> None:
    coding = Coding(joined_layout(4))
    coding.check(every_category)
    assert coding.counts == (64, 120)
    codes = coding.codes(every_category)
    assert torch.equal(codes[:, 0] + 64 * codes[:, 1], torch.arange(7680))
    assert torch.equal(coding.grouped(codes)[:, 0], torch.arange(7680))
    assert torch.equal(coding.ungrouped(coding.grouped(codes)), codes)
    assert categories(4) == 7680


def test_codes_read_event_columns_first_and_particles_by_place() -> None:
    x = joined_events(torch.zeros(1, 4), torch.zeros(1, dtype=torch.long))
    x[0, 4:] = torch.tensor([1.0, 0, 2, 1, 0, 0, 1])
    codes = Coding(joined_layout(2)).codes(x)
    # Spins 1, 0, 1, 0; places 2, 0, 1.
    assert codes.tolist() == [[0b1010, 4]]


def test_reordering_moves_all_columns_of_a_particle(every_category: torch.Tensor) -> None:
    order = torch.rand(7680, 4, generator=torch.Generator().manual_seed(2)).argsort(dim=1)
    moved = reorder(every_category, order)
    assert torch.equal(reorder(moved, order.argsort(dim=1)), every_category)
    images = torch.stack([category(reorder(every_category, o.expand(7680, -1))) for o in order[:9]])
    assert images.unique(dim=0).shape[0] == order[:9].unique(dim=0).shape[0]


def test_each_particle_has_its_own_code_where_none_joins_them() -> None:
    layout = general_layout()
    coding, x = Coding(layout), general_events(layout, 50)
    assert coding.counts == (2, 3, 3, 3)
    assert coding.places == (None, 0, 1, 2)
    codes = coding.codes(x)
    torch.testing.assert_close(codes.double(), x[:, 7:].nan_to_num(nan=-1.0))
    back = coding.events(x[:, :7], codes)
    torch.testing.assert_close(back, x, equal_nan=True, atol=0, rtol=0)
    assert not coding.joins_particles


def test_many_shared_categories_are_not_numbered_together() -> None:
    event = tuple(Column(f"c{i}", categories=60) for i in range(3))
    coding = Coding(Layout((Column("x"), *event), (), 0))
    assert coding.groups == (60, 60, 60)
    codes = torch.tensor([[1, 2, 3]])
    assert torch.equal(coding.ungrouped(coding.grouped(codes)), codes)


def test_first_code_counts_fastest() -> None:
    codes = torch.tensor([[2, 1], [0, 1]])
    assert combined(codes, (3, 4)).tolist() == [5, 3]
    assert torch.equal(split(torch.tensor([5, 3]), (3, 4)), codes)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (8, 2.0, "event 3: column 'spin_1' must contain whole numbers from 0 to 1"),
        (11, -1.0, "event 3: column 'spin' must contain whole numbers from 0 to 1"),
        (12, 0.5, "event 3: column 'place' must contain whole numbers from 0 to 4"),
        (10, 1.0, "event 3: columns of 'places' must be a permutation of 0 to 4"),
        (12, torch.nan, "event 3: column 'place'"),
    ],
    ids=["event column", "particle column", "fraction", "permutation", "absent"],
)
def test_other_categories_are_refused(column: int, value: float, message: str) -> None:
    batch = joined_events(torch.rand(4, 8), torch.zeros(4, dtype=torch.long))
    batch[2, column] = value
    with pytest.raises(ValueError, match=message):
        Coding(joined_layout(4)).check(batch)


def test_codes_of_too_many_values_are_refused() -> None:
    event = tuple(Column(f"c{i}", categories=128) for i in range(3))
    codes = (Code("all", ("c0", "c1", "c2")),)
    with pytest.raises(ValueError, match="code 'all' has 2097152 values"):
        Coding(Layout(event, (), 0, codes))
