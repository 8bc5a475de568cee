"""Numbering of permutations, and mixed-radix numbers."""

from itertools import permutations, product

import pytest
import torch

from hepdensity.numbering import digits, number, permutation_of_rank, rank_of_permutation


@pytest.mark.parametrize("size", [0, 1, 3, 5])
def test_ranks_are_lexicographic(size: int) -> None:
    sequences = torch.tensor(list(permutations(range(size))), dtype=torch.long)
    ranks = torch.arange(len(sequences))
    assert torch.equal(rank_of_permutation(sequences), ranks)
    assert torch.equal(permutation_of_rank(ranks, size), sequences)


def test_the_longest_permutations_are_numbered() -> None:
    backwards = torch.arange(19, -1, -1)[None]
    rank = rank_of_permutation(backwards)
    assert rank.tolist() == [2432902008176639999]
    assert torch.equal(permutation_of_rank(rank, 20), backwards)


def test_the_first_digit_is_most_significant() -> None:
    radices = (2, 3, 4)
    sequences = torch.tensor(list(product(*map(range, radices))))
    assert torch.equal(number(sequences, radices), torch.arange(24))
    assert torch.equal(digits(torch.arange(24), radices), sequences)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ranks of permutations of 3 must lie in \[0, 6\)"):
        permutation_of_rank(torch.tensor([6]), 3)
    with pytest.raises(ValueError, match=r"numbers with radices \(2, 3\) must lie in \[0, 6\)"):
        digits(torch.tensor([-1]), (2, 3))
