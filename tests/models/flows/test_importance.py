"""Means over drawn orders of the particles that are present."""

import math
from collections import Counter
from itertools import permutations

import pytest
import torch
from model_events import BUILDERS, general_events, general_layout
from torch import Generator

from hepdensity.models.build import build
from hepdensity.models.flows.importance import Mean, SortedMean, other_orders
from hepdensity.models.flows.treated import TreatedModel

SIZES = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 3}


@pytest.mark.parametrize("kind", ["dropout", "mixture", "classifier", "dequantisation", "argmax"])
def test_absent_particles_take_part_in_bounds(kind: str, generator: Generator) -> None:
    layout = general_layout(7, categorical=kind != "dropout")
    extra = {
        "dropout": {"objective": "balanced"},
        "mixture": {"objective": "likelihood"},
        "dequantisation": {"noise": "uniform"},
        "argmax": {"noise": "uniform"},
    }.get(kind, {})
    x = general_events(layout, 200)
    for permutation in ("stochastic", "sort"):
        model = build(BUILDERS[kind], layout, 3, {"permutation": permutation, **SIZES, **extra})
        assert isinstance(model, TreatedModel)
        model.double().requires_grad_(False).prepare(x)
        assert not model.exact
        few, many = model.log_prob_curve(x, [2, 24], generator)
        assert few.mean() < many.mean()
        alone = x[:, [3]].isnan()[:, 0]
        if not model.noisy:
            # One particle has one order.
            torch.testing.assert_close(many[alone], model.log_prob(x, generator)[alone])


def test_mean_of_sorted_and_other_orders() -> None:
    present = torch.tensor([3, 1, 0])
    mean = SortedMean(present)
    mean.add(torch.log(torch.tensor([2.0, 5.0, 7.0])))
    one = mean.log_value().exp()
    mean.add_other(torch.log(torch.tensor([4.0, 5.0, 7.0])))
    mean.add_other(torch.log(torch.tensor([8.0, 5.0, 7.0])))
    torch.testing.assert_close(one, torch.tensor([2 / 6, 5.0, 7.0]))
    torch.testing.assert_close(mean.log_value().exp(), torch.tensor([(2 + 5 * 6) / 6, 5.0, 7.0]))
    plain = Mean()
    assert plain.log_value() == -torch.inf
    plain.add(torch.zeros(2))
    plain.add(torch.log(torch.tensor([3.0, 1.0])))
    torch.testing.assert_close(plain.log_value().exp(), torch.tensor([2.0, 1.0]))


def test_other_orders_are_all_but_the_given_one(generator: Generator) -> None:
    present = torch.tensor([3, 2, 1, 0]).repeat_interleave(4_000)
    orders = other_orders(present, 4, generator)
    counts = [Counter(map(tuple, part.tolist())) for part in orders.split(4_000)]
    assert counts[2] == counts[3] == Counter({(0, 1, 2, 3): 4_000})
    assert counts[1] == Counter({(1, 0, 2, 3): 4_000})
    assert set(counts[0]) == {(*order, 3) for order in list(permutations(range(3)))[1:]}
    assert all(abs(count - 800) < 4 * math.sqrt(800) for count in counts[0].values())


def test_many_particles_have_other_orders_too(generator: Generator) -> None:
    orders = other_orders(torch.full((50,), 22), 22, generator)
    assert torch.equal(orders.sort(dim=1).values, torch.arange(22).expand(50, -1))
    assert not torch.equal(orders, orders.sort(dim=1).values)
