"""Dropout surjection: its sets, probabilities and refusals."""

import math

import pytest
import torch

from hepdensity.models.base import LayerKind
from hepdensity.models.layers.dropout import DropoutSurjection, dropped_set, preference_vector

SETS = torch.tensor([[False, False, False], [False, True, True], [True, False, False]])


@pytest.fixture
def layer() -> DropoutSurjection:
    return DropoutSurjection(SETS, [0.5, 0.3, 0.2])


def test_forward_drops_the_set_that_it_is_given(layer: DropoutSurjection) -> None:
    z = torch.rand(3, 3, dtype=torch.float64)
    x, contribution = layer.forward(z, torch.tensor([0, 1, 2]))
    assert torch.equal(x.isnan(), SETS)
    assert torch.equal(x[~SETS], z[~SETS])
    assert contribution.exp().tolist() == pytest.approx([0.5, 0.3, 0.2])
    back, same = layer.inverse(x)
    torch.testing.assert_close(back, x, equal_nan=True, atol=0, rtol=0)
    torch.testing.assert_close(same, contribution)
    assert layer.kind is LayerKind.SURJECTION_EXACT


def test_branches_sum_to_one(layer: DropoutSurjection) -> None:
    # A uniform base has density one on what is kept, whatever is dropped.
    x = torch.full((3, 3), 0.3, dtype=torch.float64).masked_fill(SETS, torch.nan)
    assert layer.inverse(x)[1].exp().sum().item() == pytest.approx(1)


def test_sets_are_drawn_with_their_probabilities(
    layer: DropoutSurjection, generator: torch.Generator
) -> None:
    n = 20_000
    x, _ = layer.forward(torch.rand(n, 3), None, generator)
    counts = torch.bincount(dropped_set(x, SETS), minlength=3)
    for count, p in zip(counts.tolist(), [0.5, 0.3, 0.2], strict=True):
        assert abs(count - n * p) < 4 * math.sqrt(n * p * (1 - p))


def test_other_dropped_dimensions_are_refused(layer: DropoutSurjection) -> None:
    x = torch.rand(4, 3)
    x[2, 1] = torch.nan
    with pytest.raises(ValueError, match="event 3 has absent values"):
        layer.inverse(x)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.5, 0.6], r"must sum to 1, but \[0.5, 0.6\] sums to 1.1"),
        ([1.5, -0.5], "must be finite and >= 0"),
        ([1.0], "needs 2 weights, not 1"),
        ([math.nan, 1.0], "must be finite and >= 0"),
    ],
    ids=["sum", "negative", "number", "not a number"],
)
def test_bad_preference_vectors_are_refused(values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        preference_vector(values, 2)


@pytest.mark.parametrize(
    ("sets", "probabilities", "message"),
    [
        (SETS[[0, 0]], [0.5, 0.5], "are the same"),
        (SETS[:2], [1.0, 0.0], "probability zero"),
    ],
    ids=["same", "zero"],
)
def test_bad_sets_are_refused(sets: torch.Tensor, probabilities: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DropoutSurjection(sets, probabilities)
