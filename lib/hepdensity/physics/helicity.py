"""Numbering of helicity configurations (Verheyen 2022, arXiv:2205.01697, section 3.5)."""

from __future__ import annotations

import numpy as np


def helicity_code(helicities: np.ndarray) -> np.ndarray:
    """Number helicity configurations: +1 -> 1, -1 -> 0, first leg the most significant bit.

    Args:
        helicities: +1 or -1, shape (n, legs).

    Returns:
        Codes in [0, 2**legs), int64, shape (n,).
    """
    bits = (np.asarray(helicities) > 0).astype(np.int64)
    return bits @ _bit_values(bits.shape[1])


def helicity_decode(code: np.ndarray, legs: int) -> np.ndarray:
    """Turn codes back into helicities; the inverse of `helicity_code`.

    Args:
        code: Codes in [0, 2**legs), shape (n,).
        legs: Number of legs.

    Returns:
        +1 or -1, int8, shape (n, legs).

    Raises:
        ValueError: If a code is out of range.
    """
    code = np.asarray(code, dtype=np.int64)
    if code.size and (code.min() < 0 or code.max() >= 2**legs):
        raise ValueError(f"helicity codes of {legs} legs lie in [0, {2**legs})")
    bits = (code[:, None] & _bit_values(legs)) > 0
    return np.where(bits, 1, -1).astype(np.int8)


def _bit_values(legs: int) -> np.ndarray:
    return 1 << np.arange(legs - 1, -1, -1, dtype=np.int64)
