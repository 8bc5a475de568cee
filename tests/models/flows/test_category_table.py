"""Smoothed frequencies of categories."""

import math

import torch
from torch import Tensor

from hepdensity.models.flows.category_table import smoothed_frequencies


def test_smoothing_leaves_out_one_event_at_a_time() -> None:
    counts = torch.tensor([50.0, 30.0, 15.0, 4.0, 1.0, 0.0, 0.0], dtype=torch.float64)
    prior = torch.tensor([0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1], dtype=torch.float64)
    found = smoothed_frequencies(counts, 1, prior)

    def left_out(strength: float) -> float:
        pairs = zip(counts[:5].tolist(), prior[:5].tolist(), strict=True)
        return sum(n * math.log((n - 1 + strength * q) / (99 + strength)) for n, q in pairs)

    best = max(torch.logspace(-2, 5, 71, dtype=torch.float64).tolist(), key=left_out)
    torch.testing.assert_close(found, (counts + best * prior) / (100 + best))
    assert 0 < found[-1] < found[-3]


def test_smoothing_predicts_new_events_better_than_fixed_pseudo_counts() -> None:
    generator = torch.Generator().manual_seed(1)
    truth = torch.rand(500, generator=generator, dtype=torch.float64).pow(6)
    drawn = torch.multinomial(truth, 1000, replacement=True, generator=generator)
    counts = torch.bincount(drawn, minlength=500).double()
    prior = torch.full_like(truth, 1 / 500)
    found = smoothed_frequencies(counts, 1, prior)
    truth /= truth.sum()

    def expected(table: Tensor) -> float:
        return (truth * table.log()).sum().item()

    assert expected(found) > max(expected((counts + a) / (1000 + 500 * a)) for a in (1e-3, 2.0))
