"""Codes of helicities."""

from itertools import product

import numpy as np
import pytest

from hepdensity.physics.helicity import helicity_code, helicity_decode


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


@pytest.mark.parametrize("code", [-1, 64], ids=["negative", "too large"])
def test_helicity_codes_out_of_range(code: int) -> None:
    with pytest.raises(ValueError, match=r"lie in \[0, 64\)"):
        helicity_decode(np.array([code]), 6)
