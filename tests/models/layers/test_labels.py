"""Labelled events: layout, codes over all categories, relabelling."""

from itertools import permutations, product

import numpy as np
import pytest
import torch

from hepdensity.models.layers.labels import (
    category,
    check_labels,
    gluinos_of,
    helicity_code,
    helicity_decode,
    label_codes,
    pack,
    permutation_code,
    permutation_decode,
    positions_to_order,
    relabel,
    split_category,
    unpack,
    with_codes,
)
from hepdensity.physics import helicity
from hepdensity.physics.colour_order import lehmer_decode, order_to_positions


@pytest.fixture
def every_category() -> torch.Tensor:
    """One event of each of the 64 x 120 categories, at distinct angles."""
    angles = torch.rand(7680, 8, generator=torch.Generator().manual_seed(1))
    return with_codes(angles, split_category(torch.arange(7680)))


def test_layout_is_the_agreed_one() -> None:
    angles = torch.arange(8.0)[None] / 10
    batch = pack(angles, torch.tensor([[1, -1, 1, 1, -1, -1]]), torch.tensor([[3, 0, 1, 4, 2]]))
    assert batch[0, 8:].tolist() == [1, -1, 3, 1, 0, 1, 1, -1, 4, -1, 2]
    assert torch.equal(batch[:, :8], angles)


def test_pack_undoes_unpack(every_category: torch.Tensor) -> None:
    assert gluinos_of(every_category) == 4
    assert torch.equal(pack(*unpack(every_category)), every_category)


def test_categories_round_trip(every_category: torch.Tensor) -> None:
    check_labels(every_category)
    assert torch.equal(category(every_category), torch.arange(7680))
    codes = label_codes(every_category)
    assert torch.equal(codes[:, 0] + 64 * codes[:, 1], torch.arange(7680))


def test_codes_agree_with_those_of_event_files(every_category: torch.Tensor) -> None:
    _, helicities, positions = unpack(every_category)
    assert (helicity_code(helicities).numpy() == helicity.helicity_code(helicities.numpy())).all()
    orders = lehmer_decode(np.arange(120), 6)
    from_orders = torch.from_numpy(order_to_positions(orders)).long()
    assert (permutation_code(positions_to_order(from_orders)).numpy() == np.arange(120)).all()
    assert torch.equal(positions_to_order(positions_to_order(positions)), positions)


def test_codes_of_the_reference() -> None:
    # All helicities plus is 63; positions in lexicographic order, the first is code 0.
    assert helicity_code(torch.ones(1, 6)).item() == 63
    sequences = torch.tensor(list(permutations(range(5))))
    assert torch.equal(permutation_code(sequences), torch.arange(120))
    assert torch.equal(permutation_decode(torch.arange(120)), sequences)
    configurations = torch.tensor(list(product([-1, 1], repeat=6)))
    assert torch.equal(helicity_decode(torch.arange(64)), configurations)


def test_relabelling_moves_angles_and_labels_together(every_category: torch.Tensor) -> None:
    order = torch.tensor([2, 0, 3, 1]).expand(len(every_category), -1)
    moved = relabel(every_category, order)
    angles, helicities, positions = unpack(every_category)
    new_angles, new_helicities, new_positions = unpack(moved)
    assert torch.equal(new_angles, angles[:, [4, 5, 0, 1, 6, 7, 2, 3]])
    assert torch.equal(new_helicities, helicities[:, [0, 1, 4, 2, 5, 3]])
    assert torch.equal(new_positions, positions[:, [0, 3, 1, 4, 2]])
    assert torch.equal(relabel(angles, order), new_angles)


def test_relabelling_back_gives_the_event(every_category: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(2)
    order = torch.rand(len(every_category), 4, generator=generator).argsort(dim=1)
    back = relabel(relabel(every_category, order), order.argsort(dim=1))
    assert torch.equal(back, every_category)


def test_orbits_have_24_categories(every_category: torch.Tensor) -> None:
    orders = torch.tensor(list(permutations(range(4))))
    images = [category(relabel(every_category, order.expand(7680, -1))) for order in orders]
    assert all(len(set(column.tolist())) == 24 for column in torch.stack(images).T[::97])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (8, 0.0, "event 3: helicities"),
        (11, 2.0, "event 3: helicities"),
        (10, 5.0, "event 3: colour positions"),
        (12, 0.5, "event 3: helicities"),
    ],
    ids=["zero helicity", "gluino helicity", "colour", "fraction"],
)
def test_labels_out_of_range_are_refused(column: int, value: float, message: str) -> None:
    batch = with_codes(torch.rand(4, 8), torch.zeros(4, 2, dtype=torch.long))
    batch[2, column] = value
    with pytest.raises(ValueError, match=message):
        check_labels(batch)


@pytest.mark.parametrize("code", [-1, 120], ids=["negative", "too large"])
def test_codes_out_of_range_are_refused(code: int) -> None:
    with pytest.raises(ValueError, match="colour codes lie in"):
        permutation_decode(torch.tensor([code]))
    with pytest.raises(ValueError, match="helicity codes lie in"):
        helicity_decode(torch.tensor([code]))


def test_wrong_numbers_of_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="not 8"):
        gluinos_of(torch.zeros(2, 8))
    with pytest.raises(ValueError, match="do not have 9 columns"):
        relabel(torch.zeros(1, 9), torch.arange(4)[None])
