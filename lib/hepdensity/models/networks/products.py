"""Products of dense float32 matrices on the CPU, by the faster of the libraries that torch ships.

torch multiplies with MKL, which uses AVX-512 on Intel's processors only. On AMD's it runs its AVX2
kernels, at half the speed that the processor has; there oneDNN multiplies. Where MKL has AVX-512 it
is as fast or faster, so it stays.

Sums of some hundred terms have the same bits with both (seen up to 136), so densities and samples
do not depend on it for hidden layers of that width. Gradients, longer sums, differ by rounding.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_CPU_INFO = Path("/proc/cpuinfo")
_LEAST_WORK = 2**20
"""Multiplications below which the call of oneDNN costs more than it saves."""


def _onednn() -> Any:
    """The product of oneDNN; None on processors where MKL is as fast."""
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        return None
    if not _CPU_INFO.is_file() or "AuthenticAMD" not in _CPU_INFO.read_text(encoding="utf-8"):
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)


_linear: Any = _onednn()


def _fits(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN does this product; it has no gradient there."""
    return (
        _linear is not None
        and a.dtype == torch.float32
        and a.device.type == "cpu"
        and not torch.is_grad_enabled()
        and len(a) * b.numel() >= _LEAST_WORK
    )


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """``a @ b`` for ``a`` of shape ``(m, k)`` and ``b`` of shape ``(k, n)``.

    Args:
        a: first matrix; a copy is made of one that is not contiguous.
        b: second matrix, contiguous or the transpose of one that is.
        out: where to write the result.
    """
    if not _fits(a, b):
        return torch.mm(a, b, out=out)
    result: Tensor = _linear(a, b.T, None, "none", [], "")
    return result if out is None else out.copy_(result)


def affine(bias: Tensor, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """``a @ b + bias[:, None]``, see ``product``.

    Args:
        bias: shape ``(m,)``.
        a: first matrix.
        b: second matrix.
        out: where to write the result.
    """
    if not _fits(a, b):
        return torch.addmm(bias[:, None], a, b, out=out)
    result: Tensor = _linear(a, b.T, None, "none", [], "")
    return torch.add(result, bias[:, None], out=result if out is None else out)
