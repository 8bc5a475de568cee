"""The staircase product is a masked linear map."""

import pytest
import torch

from hepdensity.models.networks.staircase import StaircaseLinear, staircase_steps


@pytest.mark.parametrize("most", [1, 2, 3, 8])
def test_product_and_gradients_equal_the_masked_map(most: int) -> None:
    torch.manual_seed(0)
    layer = StaircaseLinear(6, [0, 0, 1, 3, 3, 4, 6], most).double()
    x = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(7, 5, dtype=torch.float64)
    (layer(x) * weight).sum().backward()
    found = (x.grad, layer.weight.grad, layer.bias.grad)
    y = x.detach().clone().requires_grad_()
    w, b = (p.detach().clone().requires_grad_() for p in (layer.weight, layer.bias))
    masked = torch.nn.functional.linear(y.T, w * layer.mask, b).T
    torch.testing.assert_close(layer(x), masked)
    (masked * weight).sum().backward()
    for a, c in zip(found, (y.grad, w.grad, b.grad), strict=True):
        torch.testing.assert_close(a, c)


def test_masked_weights_start_and_stay_zero() -> None:
    layer = StaircaseLinear(4, [1, 2, 4])
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(torch.ones(4, 2)).square().sum().backward()
        optimizer.step()
    assert (layer.weight[~layer.mask] == 0).all()
    assert (layer.weight[layer.mask] != 0).all()


def test_steps_cover_all_rows_and_see_enough() -> None:
    extents = [1, 1, 2, 3, 3, 3, 5, 6]
    for most in range(1, 9):
        steps = staircase_steps(extents, most)
        assert len(steps) <= most
        rows = [(r, seen) for start, stop, seen in steps for r in range(start, stop)]
        assert [r for r, _ in rows] == list(range(8))
        assert all(seen >= extents[r] for r, seen in rows)


def test_unsorted_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="sorted"):
        staircase_steps([2, 1], 4)
