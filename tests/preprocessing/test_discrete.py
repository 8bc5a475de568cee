"""Codes of helicities and colour orders."""

from itertools import product

import numpy as np
import pytest

from hepdensity.preprocessing.discrete import (
    colour_code,
    colour_decode,
    combined_code,
    helicity_code,
    helicity_decode,
    split_code,
)


@pytest.mark.parametrize("legs", [4, 6])
def test_helicity_code_counts_configurations(legs: int) -> None:
    configurations = np.array(list(product([-1, 1], repeat=legs)))
    assert (helicity_code(configurations) == np.arange(2**legs)).all()
    assert (helicity_decode(np.arange(2**legs), legs) == configurations).all()


@pytest.mark.parametrize(
    ("helicities", "code"),
    [([1, 1, 1, 1, 1, 1], 63), ([1, -1, -1, -1, -1, -1], 32), ([-1, -1, -1, -1, -1, 1], 1)],
    ids=["all plus", "first is most significant", "last is least significant"],
)
def test_helicity_codes_of_the_reference(helicities: list[int], code: int) -> None:
    assert helicity_code(np.array([helicities])) == code


def test_colour_code_round_trip() -> None:
    codes = np.arange(120)
    orders = colour_decode(codes, 6)
    assert orders[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert orders[1].tolist() == [0, 1, 2, 3, 5, 4]
    assert (colour_code(orders) == codes).all()


def test_combined_code_round_trip() -> None:
    codes = np.arange(64 * 120)
    helicities, orders = split_code(codes, 6)
    assert (combined_code(helicities, orders) == codes).all()
    assert (
        combined_code(helicities, orders) == helicity_code(helicities) + 64 * colour_code(orders)
    ).all()


@pytest.mark.parametrize("code", [-1, 64 * 120], ids=["negative", "too large"])
def test_codes_out_of_range(code: int) -> None:
    with pytest.raises(ValueError, match="codes of 6 legs lie in"):
        split_code(np.array([code]), 6)


@pytest.mark.parametrize("code", [-1, 64], ids=["negative", "too large"])
def test_helicity_codes_out_of_range(code: int) -> None:
    with pytest.raises(ValueError, match=r"lie in \[0, 64\)"):
        helicity_decode(np.array([code]), 6)
