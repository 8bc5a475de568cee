"""Numbering of sequences: ranks of permutations, and mixed-radix numbers.

All tensors are int64; a row is a sequence.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def rank_of_permutation(sequence: Tensor) -> Tensor:
    """Lexicographic rank of permutations of 0 ... m - 1 (their Lehmer code).

    Args:
        sequence: permutations, shape ``(n, m)``.

    Returns:
        Ranks in [0, m!), shape ``(n,)``.

    Example:
        >>> rank_of_permutation(torch.tensor([[0, 1, 2], [2, 1, 0]])).tolist()
        [0, 5]
    """
    size = sequence.shape[1]
    rank = torch.zeros(len(sequence), dtype=torch.long, device=sequence.device)
    for i in range(size):
        smaller_behind = (sequence[:, i + 1 :] < sequence[:, i : i + 1]).sum(dim=1)
        rank += smaller_behind * math.factorial(size - 1 - i)
    return rank


def permutation_of_rank(rank: Tensor, size: int) -> Tensor:
    """Permutations of 0 ... size - 1; the inverse of ``rank_of_permutation``.

    Args:
        rank: ranks in [0, size!), shape ``(n,)``.
        size: length m of the permutations, at most 20.

    Returns:
        Permutations, shape ``(n, size)``.

    Raises:
        ValueError: if a rank is out of range.
    """
    check_range(rank, math.factorial(size), f"ranks of permutations of {size}")
    free = torch.arange(size, device=rank.device).expand(len(rank), -1)
    sequence = torch.empty(len(rank), size, dtype=torch.long, device=rank.device)
    rest = rank
    for i in range(size):
        unit = math.factorial(size - 1 - i)
        digit, rest = rest // unit, rest % unit
        sequence[:, i] = free.gather(1, digit[:, None])[:, 0]
        keep = torch.arange(free.shape[1], device=rank.device) != digit[:, None]
        free = free[keep].view(len(rank), size - 1 - i)
    return sequence


def number(digits: Tensor, radices: Sequence[int]) -> Tensor:
    """Mixed-radix numbers from their digits, the first digit being the most significant.

    Args:
        digits: shape ``(n, m)``, each below its radix.
        radices: number of values of each digit.

    Returns:
        Numbers below the product of the radices, shape ``(n,)``.

    Example:
        >>> number(torch.tensor([[1, 2]]), (2, 3)).tolist()
        [5]
    """
    return (digits * _strides(radices, digits.device)).sum(dim=1)


def digits(number: Tensor, radices: Sequence[int]) -> Tensor:
    """Digits of mixed-radix numbers; the inverse of ``number``.

    Args:
        number: shape ``(n,)``.
        radices: number of values of each digit, most significant first.

    Returns:
        Shape ``(n, m)``.

    Raises:
        ValueError: if a number is out of range.
    """
    check_range(number, math.prod(radices), f"numbers with radices {tuple(radices)}")
    limits = torch.tensor(tuple(radices), dtype=torch.long, device=number.device)
    return number[:, None] // _strides(radices, number.device) % limits


def check_range(values: Tensor, count: int, name: str) -> None:
    """Check that whole numbers lie in [0, count).

    Raises:
        ValueError: if one does not.
    """
    if values.numel() and (values.min() < 0 or values.max() >= count):
        raise ValueError(f"{name} must lie in [0, {count})")


def _strides(radices: Sequence[int], device: torch.device) -> Tensor:
    strides = [math.prod(radices[i + 1 :]) for i in range(len(radices))]
    return torch.tensor(strides, dtype=torch.long, device=device)
