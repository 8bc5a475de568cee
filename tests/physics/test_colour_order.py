"""Colour orders: numbering, positions of the CSV files and LHE tags, for all orders."""

from itertools import permutations
from math import factorial
from pathlib import Path

import numpy as np
import pytest

from hepdensity.physics.colour_order import (
    lehmer_code,
    lehmer_decode,
    order_to_positions,
    order_to_tags,
    positions_to_order,
    tags_to_order,
)

LEGS = pytest.mark.parametrize("legs", [4, 6], ids=["two gluinos", "four gluinos"])


def all_orders(legs: int) -> np.ndarray:
    return np.array([(0, *rest) for rest in permutations(range(1, legs))])


@LEGS
def test_code_is_lexicographic_rank(legs: int) -> None:
    assert (lehmer_code(all_orders(legs)) == np.arange(factorial(legs - 1))).all()


@LEGS
def test_decode_inverts_code(legs: int) -> None:
    codes = np.arange(factorial(legs - 1))
    assert (lehmer_decode(codes, legs) == all_orders(legs)).all()


@pytest.mark.parametrize("code", [-1, 120], ids=["negative", "too large"])
def test_decode_refuses_codes_out_of_range(code: int) -> None:
    with pytest.raises(ValueError, match=r"lie in \[0, 120\)"):
        lehmer_decode(np.array([3, code]), 6)


def test_positions_of_an_example() -> None:
    order = np.array([[0, 3, 1, 5, 2, 4]])
    # After leg 0, leg 1 comes second, leg 2 fourth, leg 3 first, leg 4 fifth, leg 5 third.
    assert order_to_positions(order).tolist() == [[1, 3, 0, 4, 2]]


@LEGS
def test_positions_and_back(legs: int) -> None:
    orders = all_orders(legs)
    positions = order_to_positions(orders)
    assert (np.sort(positions, axis=1) == np.arange(legs - 1)).all()
    assert (positions_to_order(positions) == orders).all()


@LEGS
def test_tags_and_back(legs: int) -> None:
    orders = all_orders(legs)
    tags = order_to_tags(orders)
    assert len(np.unique(tags.reshape(len(tags), -1), axis=0)) == len(orders)
    found, closed = tags_to_order(tags)
    assert closed.all()
    assert (found == orders).all()


def test_tags_may_have_any_names() -> None:
    orders = all_orders(6)
    names = np.random.default_rng(1).permutation(1000)
    found, closed = tags_to_order(names[order_to_tags(orders)])
    assert closed.all()
    assert (found == orders).all()


def broken_tags(change: str) -> np.ndarray:
    tags = order_to_tags(all_orders(6)[:1])
    if change == "two loops":  # 0-1-2 and 3-4-5
        tags[0] = [[503, 501], [501, 502], [503, 502], [504, 506], [505, 504], [506, 505]]
    elif change == "open line":
        tags[0, 5, 0] = 999
    elif change == "tag twice":
        tags[0, 4] = tags[0, 5]
    elif change == "no colour":
        tags[:] = 0
    return tags


@pytest.mark.parametrize("change", ["two loops", "open line", "tag twice", "no colour"])
def test_tags_without_single_closed_order_are_found(change: str) -> None:
    _, closed = tags_to_order(
        np.concatenate([order_to_tags(all_orders(6)[:1]), broken_tags(change)])
    )
    assert closed.tolist() == [True, False]


def test_gluon_that_closes_on_itself_is_not_closed() -> None:
    tags = order_to_tags(all_orders(6)[:1])
    tags[0, 2] = [700, 700]
    tags[0, 3, 1] = 502
    assert not tags_to_order(tags)[1].any()


@pytest.mark.parametrize("n_out", [2, 4])
def test_tags_of_madgraph(shared_data: Path, n_out: int) -> None:
    with np.load(shared_data / "madgraph" / f"me_reference_{n_out}.npz") as reference:
        tags, orders = reference["colour_tags"], reference["colour_order"] - 1
    found, closed = tags_to_order(tags.reshape(len(orders), 2 + n_out, 2))
    assert closed.all()
    assert (found == orders).all()
