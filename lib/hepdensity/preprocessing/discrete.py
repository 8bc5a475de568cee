"""Integer codes of helicities and colour orders (Verheyen 2022, arXiv:2205.01697, section 3.5)."""

from __future__ import annotations

import numpy as np

from hepdensity.colour_order import lehmer_code, lehmer_decode
from hepdensity.helicity import helicity_code, helicity_decode


def colour_code(colour_order: np.ndarray) -> np.ndarray:
    """Number colour orders: the lexicographic rank of the sequence of legs (Lehmer code).

    The reference code ranks the positions of the public CSV instead; see `order_to_positions` in
    `hepdensity.colour_order`.

    Args:
        colour_order: Sequences of legs, leg 0 first, shape (n, legs).

    Returns:
        Codes in [0, (legs - 1)!), int64, shape (n,).
    """
    return lehmer_code(colour_order)


def colour_decode(code: np.ndarray, legs: int) -> np.ndarray:
    """Turn codes back into colour orders; the inverse of `colour_code`.

    Args:
        code: Codes in [0, (legs - 1)!), shape (n,).
        legs: Number of legs.

    Returns:
        Sequences of legs, leg 0 first, int8, shape (n, legs).

    Raises:
        ValueError: If a code is out of range.
    """
    return lehmer_decode(code, legs)


def combined_code(helicities: np.ndarray, colour_order: np.ndarray) -> np.ndarray:
    """Number helicity and colour together: helicity code + 2**legs * colour code.

    Args:
        helicities: +1 or -1, shape (n, legs).
        colour_order: Sequences of legs, leg 0 first, shape (n, legs).

    Returns:
        Codes in [0, 2**legs * (legs - 1)!), int64, shape (n,).
    """
    return helicity_code(helicities) + 2 ** helicities.shape[1] * colour_code(colour_order)


def split_code(code: np.ndarray, legs: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn combined codes back into labels; the inverse of `combined_code`.

    Args:
        code: Combined codes, shape (n,).
        legs: Number of legs.

    Returns:
        Helicities and colour orders, int8, shape (n, legs) each.

    Raises:
        ValueError: If a code is out of range.
    """
    colour, helicity = np.divmod(np.asarray(code, dtype=np.int64), 2**legs)
    return helicity_decode(helicity, legs), colour_decode(colour, legs)
