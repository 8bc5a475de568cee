"""Both libraries give the same products."""

import pytest
import torch
from torch import Tensor

from hepdensity.models.networks import products
from hepdensity.models.networks.products import affine, product
from hepdensity.models.networks.staircase import StaircaseLinear

ONEDNN = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
pytestmark = pytest.mark.skipif(ONEDNN is None, reason="this torch has no oneDNN")


@pytest.fixture(autouse=True)
def onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """oneDNN on any processor, for products of any size."""
    monkeypatch.setattr(products, "_linear", ONEDNN)
    monkeypatch.setattr(products, "_LEAST_WORK", 0)


def matrices(m: int, k: int, n: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(m, k, generator=generator), torch.randn(k, n, generator=generator)


@pytest.mark.parametrize("n", [0, 1, 7, 2500])
@torch.no_grad()
def test_product_is_that_of_the_matrices(n: int) -> None:
    a, b = matrices(12, 30, n)
    expected = (a.double() @ b.double()).float()
    out = torch.empty(12, n)
    torch.testing.assert_close(product(a, b), expected)
    torch.testing.assert_close(product(a.T.contiguous().T, b.T.contiguous().T), expected)
    torch.testing.assert_close(product(a, b, out), expected)
    torch.testing.assert_close(out, expected)


@torch.no_grad()
def test_parts_of_matrices_are_multiplied() -> None:
    a, b = matrices(12, 30, 100)
    torch.testing.assert_close(product(a[2:7, :20], b[:20]), a[2:7, :20] @ b[:20])
    torch.testing.assert_close(product(a[2:7, 5:9].T, b[:5]), a[2:7, 5:9].T @ b[:5])
    torch.testing.assert_close(product(a[:, ::2], b[::2, ::3]), a[:, ::2] @ b[::2, ::3])


@torch.no_grad()
def test_affine_adds_the_bias_of_each_row() -> None:
    a, b = matrices(12, 30, 100)
    bias, out = torch.arange(12.0), torch.empty(12, 100)
    expected = torch.addmm(bias[:, None], a, b)
    torch.testing.assert_close(affine(bias, a, b), expected)
    affine(bias, a, b, out)
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_onednn_cannot_do_is_left_to_torch(dtype: torch.dtype) -> None:
    a, b = (matrix.to(dtype).requires_grad_() for matrix in matrices(3, 4, 5))
    result = product(a, b)
    result.sum().backward()
    assert result.dtype == dtype
    assert a.grad is not None and b.grad is not None
    with torch.no_grad():
        torch.testing.assert_close(product(a, b), a @ b)


@pytest.mark.parametrize("steps", [1, 2, 8])
def test_a_staircase_is_the_same_with_both(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    torch.manual_seed(0)
    layer = StaircaseLinear(80, [10 * (1 + i // 10) for i in range(80)], steps)
    x = torch.randn(80, 2500, requires_grad=True)
    found = layer(x)
    found.square().sum().backward()
    grads = [p.grad.clone() for p in (x, layer.weight, layer.bias) if p.grad is not None]
    monkeypatch.setattr(products, "_linear", None)
    x.grad = layer.weight.grad = layer.bias.grad = None
    expected = layer(x)
    expected.square().sum().backward()
    torch.testing.assert_close(found, expected)
    for grad, parameter in zip(grads, (x, layer.weight, layer.bias), strict=True):
        torch.testing.assert_close(grad, parameter.grad, rtol=1e-4, atol=1e-3)
