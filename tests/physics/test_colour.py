"""Colour orders, the half-ladder basis and its colour matrix."""

import math

import pytest
import torch

from hepdensity.physics.colour import (
    colour_matrix,
    colour_orders,
    half_ladder_orders,
    kleiss_kuijf_matrix,
)
from hepdensity.physics.colour_order import lehmer_code

PROCESSES = pytest.mark.parametrize("n_out", [2, 4], ids=["two", "four"])


@PROCESSES
def test_colour_orders_follow_the_lehmer_code(n_out: int) -> None:
    orders = colour_orders(n_out)
    assert (orders[:, 0] == 0).all()
    assert lehmer_code(orders.numpy()).tolist() == list(range(math.factorial(1 + n_out)))


@PROCESSES
def test_kleiss_kuijf_matrix_keeps_the_basis(n_out: int) -> None:
    rows = lehmer_code(half_ladder_orders(n_out).numpy())
    basis = kleiss_kuijf_matrix(n_out)[torch.from_numpy(rows)]
    assert torch.equal(basis, torch.eye(math.factorial(n_out), dtype=torch.float64))


def test_colour_matrix_of_four_octets() -> None:
    # 2 N^2 (N^2 - 1) * 2 and half of it, for f^abc normalised to Tr(T^a T^b) = delta^ab
    expected = torch.tensor([[288.0, 144.0], [144.0, 288.0]], dtype=torch.float64)
    assert torch.equal(colour_matrix(2), expected)
