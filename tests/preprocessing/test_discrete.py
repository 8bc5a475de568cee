"""Codes of helicities and colour orders."""

import numpy as np
import pytest

from hepdensity.helicity import helicity_code
from hepdensity.preprocessing.discrete import (
    colour_code,
    colour_decode,
    combined_code,
    split_code,
)


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
