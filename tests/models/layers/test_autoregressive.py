"""Autoregressive layers: contexts, dropped coordinates and the inverted direction."""

import pytest
import torch
from torch import Tensor

from hepdensity.models.layers.autoregressive import (
    AutoregressiveSpline,
    InvertedAutoregressiveSpline,
)


def uniform(n: int, d: int, seed: int = 1) -> Tensor:
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def context() -> Tensor:
    return uniform(50, 3, seed=2)


def conditional_spline(may_drop: bool = False) -> AutoregressiveSpline:
    torch.manual_seed(5)
    return AutoregressiveSpline(4, 12, 2, 6, context=3, may_drop=may_drop).double()


def inverted_spline() -> InvertedAutoregressiveSpline:
    torch.manual_seed(6)
    return InvertedAutoregressiveSpline(4, 12, 2, 6, context=3).double()


@pytest.mark.parametrize("layer", [conditional_spline(), inverted_spline()], ids=["", "inverted"])
def test_round_trip_with_context(
    layer: AutoregressiveSpline | InvertedAutoregressiveSpline, context: Tensor
) -> None:
    x = uniform(50, 4)
    z, contribution = layer.inverse(x, context)
    back, same = layer.forward(z, context)
    torch.testing.assert_close(back, x, atol=1e-8, rtol=0)
    torch.testing.assert_close(same, contribution, atol=1e-6, rtol=0)
    other, _ = layer.inverse(x, context + 0.5)
    assert ((other - z).abs().amax(dim=0) > 1e-4).all()


def test_inverted_contribution_is_the_log_jacobian(context: Tensor) -> None:
    layer, z = inverted_spline(), uniform(10, 4)
    _, contribution = layer.forward(z, context[:10])
    for i in range(10):
        jacobian = torch.autograd.functional.jacobian(
            lambda p, c=context[i : i + 1]: layer.forward(p[None], c)[0][0], z[i]
        )
        expected = -torch.linalg.slogdet(jacobian)[1]
        torch.testing.assert_close(expected, contribution[i].detach())


def test_inverted_sampling_trains_all_weights(context: Tensor) -> None:
    layer = inverted_spline()
    x, contribution = layer.forward(uniform(50, 4), context)
    (x.square().sum() + contribution.sum()).backward()
    assert all(p.grad is not None and (p.grad != 0).any() for p in layer.parameters())


@pytest.mark.parametrize("dropped", [[1], [0, 2], [3], [0, 1, 2, 3]], ids=str)
def test_dropped_coordinates_pass_and_are_unseen(dropped: list[int], context: Tensor) -> None:
    layer, x = conditional_spline(may_drop=True), uniform(50, 4)
    kept = [d for d in range(4) if d not in dropped]
    with_nan, with_zero = x.clone(), x.clone()
    with_nan[:, dropped], with_zero[:, dropped] = torch.nan, 0.0
    z, contribution = layer.inverse(with_nan, context)
    as_zero, _ = layer.inverse(with_zero, context)
    assert z[:, dropped].isnan().all()
    torch.testing.assert_close(z[:, kept], as_zero[:, kept])
    if not kept:
        assert (contribution == 0).all()
    back, same = layer.forward(z, context)
    torch.testing.assert_close(back, with_nan, equal_nan=True, atol=1e-8, rtol=0)
    torch.testing.assert_close(same, contribution, atol=1e-6, rtol=0)


def test_contribution_of_the_kept_coordinates_is_their_jacobian(context: Tensor) -> None:
    layer, x = conditional_spline(may_drop=True), uniform(1, 4)[0]

    def kept(pair: Tensor) -> Tensor:
        point = torch.stack([pair[0], x.new_tensor(torch.nan), pair[1], x.new_tensor(torch.nan)])
        return layer.inverse(point[None], context[:1])[0][0, [0, 2]]

    point = x.clone()
    point[[1, 3]] = torch.nan
    _, contribution = layer.inverse(point[None], context[:1])
    jacobian = torch.autograd.functional.jacobian(kept, x[[0, 2]])
    torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], contribution[0].detach())


def test_linear_tails_continue_the_splines_with_slope_one() -> None:
    torch.manual_seed(7)
    layer = AutoregressiveSpline(3, 9, 1, 6, linear_tails=True).double()
    edge = uniform(20, 3)
    edge[:, 0] = torch.where(edge[:, 0] < 0.5, 0.0, 1.0)
    step = torch.tensor([1e-6, 0.0, 0.0], dtype=torch.float64)
    inwards = torch.where(edge[:, :1] < 0.5, 1.0, -1.0)
    near, _ = layer.inverse(edge + inwards * step)
    slope = (near[:, 0] - edge[:, 0]) / (inwards[:, 0] * 1e-6)
    torch.testing.assert_close(slope, torch.ones_like(slope), atol=1e-4, rtol=0)
    outside = edge - inwards * torch.tensor([0.3, 0.0, 0.0])
    torch.testing.assert_close(layer.inverse(outside)[0][:, 0], outside[:, 0])
    back, _ = layer.forward(layer.inverse(outside)[0])
    torch.testing.assert_close(back, outside)
