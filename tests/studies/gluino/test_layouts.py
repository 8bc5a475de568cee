"""Columns of gluino events."""

from itertools import permutations, product

import numpy as np
import torch

from hepdensity.models.layers.coding import Coding
from hepdensity.physics import helicity
from hepdensity.physics.colour_order import lehmer_decode, order_to_positions
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.models.labels import pack, positions_to_order, unpack


def every_category() -> torch.Tensor:
    """One event in each of the 64 x 120 categories; the helicity code varies fastest."""
    angles = torch.rand(7680, 8, generator=torch.Generator().manual_seed(1))
    helicities = torch.tensor(list(product([-1, 1], repeat=6))).repeat(120, 1)
    positions = torch.tensor(list(permutations(range(5)))).repeat_interleave(64, dim=0)
    return pack(angles, helicities, positions)


def test_labels_have_the_agreed_columns() -> None:
    angles = torch.arange(8.0)[None] / 10
    batch = pack(angles, torch.tensor([[1, -1, 1, 1, -1, -1]]), torch.tensor([[3, 0, 1, 4, 2]]))
    assert batch[0, 8:].tolist() == [1, 0, 3, 1, 0, 1, 1, 0, 4, 0, 2]
    assert torch.equal(batch[:, :8], angles)
    layout = layouts.labels({"mass": 0.2})
    assert (layout.features, layout.continuous) == (19, 8)
    names = [layout.column_of(i).name for i in range(8, 13)]
    assert names == ["helicity_1", "helicity_2", "position_1", "helicity", "position"]
    assert layout.constants == {"mass": 0.2}


def test_pack_undoes_unpack() -> None:
    batch = every_category()
    assert torch.equal(pack(*unpack(batch)), batch)
    Coding(layouts.labels()).check(batch)


def test_codes_are_those_of_event_files() -> None:
    batch = every_category()
    codes = Coding(layouts.labels()).codes(batch)
    assert torch.equal(codes[:, 0] + 64 * codes[:, 1], torch.arange(7680))
    _, helicities, positions = unpack(batch)
    assert (codes[:, 0].numpy() == helicity.helicity_code(helicities.numpy())).all()
    orders = lehmer_decode(np.arange(120), 6)
    from_orders = torch.from_numpy(order_to_positions(orders)).long()
    assert torch.equal(positions_to_order(from_orders) + 1, torch.from_numpy(orders[:, 1:]).long())
    assert torch.equal(positions_to_order(positions_to_order(positions)), positions)


def test_two_gluino_events_keep_the_first_gluino() -> None:
    layout = layouts.multiplicity(0.25)
    assert [(s.name, s.particles, s.probability) for s in layout.sets] == [
        ("four_gluino", 4, 0.25),
        ("two_gluino", 1, 0.75),
    ]
    assert layout.features == layouts.angles().features == 8
