"""Numbering of helicity configurations (Verheyen 2022, arXiv:2205.01697, section 3.5)."""

from __future__ import annotations

import numpy as np
import torch

from hepdensity.numbering import digits, number


def helicity_code(helicities: np.ndarray) -> np.ndarray:
    """Number helicity configurations: +1 is bit 1, -1 is bit 0, the first leg is most significant.

    Args:
        helicities: +1 or -1, shape (n, legs).

    Returns:
        Codes in [0, 2**legs), int64, shape (n,).
    """
    bits = torch.from_numpy(np.asarray(helicities) > 0).long()
    return number(bits, [2] * bits.shape[1]).numpy()


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
    given = torch.from_numpy(np.asarray(code, dtype=np.int64))
    if given.numel() and (given.min() < 0 or given.max() >= 2**legs):
        raise ValueError(f"helicity codes of {legs} legs must lie in [0, {2**legs})")
    return (2 * digits(given, [2] * legs) - 1).to(torch.int8).numpy()
