r"""Monotonic rational-quadratic splines of the unit interval.

See Durkan et al. 2019, arXiv:1906.04032. In bin k with left edge (x_k, z_k), width w, height h,
slope s = h / w and knot derivatives d_0, d_1, with theta = (x - x_k) / w and t = theta (1 - theta):

    z = z_k + h (s theta^2 + d_0 t) / (s + (d_0 + d_1 - 2 s) t)
    dz/dx = s^2 (d_1 theta^2 + 2 s t + d_0 (1 - theta)^2) / (s + (d_0 + d_1 - 2 s) t)^2

The logits of a spline are ``bins`` widths, ``bins`` heights and ``bins + 1`` knot derivatives; both
boundary derivatives are free, because the base is uniform. With ``linear_tails``, they are one
instead, and their logits are not used. Coordinates that are outside [0, 1] or
dropped (NaN) do not change, with zero contribution and zero gradient.

``inverse`` maps data to latent coordinates (x -> z), ``forward`` latent to data coordinates. The
feature is the first axis of arrays: logits ``(d, 3 bins + 1, n)``, coordinates ``(d, n)``. In
float32 on the CPU, both use compiled kernels (``spline_kernels``) if numba is installed and
``HEPDENSITY_COMPILED`` is not 0.
"""

import math
import os
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SMALLEST_BIN = 1e-3
SMALLEST_SLOPE = 1e-3
_UNIT_SLOPE = math.log(math.expm1(1 - SMALLEST_SLOPE))
"""Logit of a knot derivative of one."""

kernels: ModuleType | None
try:
    from hepdensity.compilation import without_extensions
    from hepdensity.models.layers import spline_kernels as kernels
except ImportError:  # There is no numba, or it is incompatible with this numpy.
    kernels = None


def compiled(x: Tensor) -> bool:
    """Whether splines of ``x`` use the compiled kernels."""
    enabled = kernels is not None and os.environ.get("HEPDENSITY_COMPILED", "1") != "0"
    return enabled and x.device.type == "cpu" and x.dtype == torch.float32


def spline_inverse(
    x: Tensor, logits: Tensor, bins: int, linear_tails: bool = False
) -> tuple[Tensor, Tensor]:
    """Map data to latent coordinates.

    Args:
        x: data coordinates, shape ``(d, n)``.
        logits: unconstrained spline parameters, shape ``(d, 3 * bins + 1, n)``; with linear tails,
            those of the boundary derivatives may be overwritten.
        bins: number of bins.
        linear_tails: whether both boundary derivatives are one.

    Returns:
        z of shape ``(d, n)`` and log dz/dx summed over features [nats], shape ``(n,)``.
    """
    if compiled(x):
        z, log_slope = _CompiledInverse.apply(x, logits, bins, linear_tails)
        return z, log_slope
    if linear_tails:
        logits = _with_unit_slopes(logits, bins)
    widths, heights = _bin_sizes(logits[:, :bins]), _bin_sizes(logits[:, bins : 2 * bins])
    x_edges, z_edges = _left_edges(widths), _left_edges(heights)
    clipped = x.nan_to_num(nan=0.5).clamp(0, 1)
    k = _bin_index(clipped, x_edges)
    w, h, x_k, z_k = (_pick(a, k) for a in (widths, heights, x_edges, z_edges))
    d0, d1 = _slope(logits, 2 * bins + k), _slope(logits, 2 * bins + 1 + k)
    theta, s = (clipped - x_k) / w, h / w
    t = theta * (1 - theta)
    denominator = s + (d1 + d0 - 2 * s) * t
    z = (z_k + h * (s * theta.square() + d0 * t) / denominator).clamp(max=1)
    return _outside_unchanged(x, z, _log_slope(theta, s, d0, d1, denominator))


def spline_forward(
    z: Tensor, logits: Tensor, bins: int, linear_tails: bool = False
) -> tuple[Tensor, Tensor]:
    """Map latent to data coordinates; the inverse function of ``spline_inverse``.

    Args:
        z: latent coordinates, shape ``(d, n)``.
        logits: unconstrained spline parameters, shape ``(d, 3 * bins + 1, n)``.
        bins: number of bins.
        linear_tails: whether both boundary derivatives are one.

    Returns:
        x of shape ``(d, n)`` and log dz/dx at that x summed over features [nats], shape ``(n,)``.
    """
    if linear_tails:
        logits = _with_unit_slopes(logits, bins)
    if compiled(z) and not (torch.is_grad_enabled() and (z.requires_grad or logits.requires_grad)):
        return _compiled_forward(z, logits, bins)
    widths, heights = _bin_sizes(logits[:, :bins]), _bin_sizes(logits[:, bins : 2 * bins])
    x_edges, z_edges = _left_edges(widths), _left_edges(heights)
    clipped = z.nan_to_num(nan=0.5).clamp(0, 1)
    k = _bin_index(clipped, z_edges)
    w, h, x_k, z_k = (_pick(a, k) for a in (widths, heights, x_edges, z_edges))
    d0, d1 = _slope(logits, 2 * bins + k), _slope(logits, 2 * bins + 1 + k)
    s, rise = h / w, clipped - z_k
    bend = d1 + d0 - 2 * s
    b = h * d0 - rise * bend
    c = -s * rise
    discriminant = (b.square() - 4 * (rise * bend + h * (s - d0)) * c).clamp(min=0)
    # Since c <= 0, there is no cancellation in this root of the quadratic.
    theta = (2 * c / (-b - discriminant.sqrt())).clamp(max=1)
    x = (x_k + theta * w).clamp(max=1)
    denominator = s + bend * theta * (1 - theta)
    return _outside_unchanged(z, x, _log_slope(theta, s, d0, d1, denominator))


def _with_unit_slopes(logits: Tensor, bins: int) -> Tensor:
    boundary = torch.tensor([2 * bins, 3 * bins], device=logits.device)
    return logits.index_fill(1, boundary, _UNIT_SLOPE)


def _bin_sizes(logits: Tensor) -> Tensor:
    bins = logits.shape[1]
    return SMALLEST_BIN + (1 - bins * SMALLEST_BIN) * logits.softmax(dim=1)


def _left_edges(sizes: Tensor) -> Tensor:
    return functional.pad(sizes.cumsum(dim=1)[:, :-1], (0, 0, 1, 0))


def _bin_index(coordinate: Tensor, edges: Tensor) -> Tensor:
    return (edges[:, 1:] <= coordinate[:, None]).sum(dim=1)


def _pick(values: Tensor, index: Tensor) -> Tensor:
    return values.gather(1, index[:, None])[:, 0]


def _slope(logits: Tensor, knot: Tensor) -> Tensor:
    return SMALLEST_SLOPE + functional.softplus(_pick(logits, knot))


def _log_slope(theta: Tensor, s: Tensor, d0: Tensor, d1: Tensor, denominator: Tensor) -> Tensor:
    t = theta * (1 - theta)
    q = d1 * theta.square() + 2 * s * t + d0 * (1 - theta).square()
    return 2 * (s.log() - denominator.log()) + q.log()


def _outside_unchanged(given: Tensor, mapped: Tensor, log_slope: Tensor) -> tuple[Tensor, Tensor]:
    inside = (given >= 0) & (given <= 1)
    log_slope = torch.where(inside, log_slope, torch.zeros_like(log_slope))
    return torch.where(inside, mapped, given), log_slope.sum(dim=0)


def _arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    return tuple(t.detach().contiguous().numpy() for t in tensors)


def _constants() -> tuple[np.float32, np.float32]:
    return np.float32(SMALLEST_BIN), np.float32(SMALLEST_SLOPE)


class _CompiledInverse(torch.autograd.Function):
    """``spline_inverse`` with a hand-written gradient, which needs only the inputs."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, logits: Tensor, bins: int, linear_tails: bool
    ) -> tuple[Tensor, Tensor]:
        assert kernels is not None
        x, logits = x.contiguous(), logits.contiguous()
        if linear_tails:
            # In place, because a copy would cost as much as the kernel. No gradient needs the rest.
            logits.data[:, [2 * bins, 3 * bins]] = _UNIT_SLOPE
        z, log_slope = torch.empty_like(x), torch.empty_like(x)
        with without_extensions():
            kernels.inverse_kernel(*_arrays(logits, x), bins, *_constants(), *_arrays(z, log_slope))
        ctx.save_for_backward(x, logits)
        ctx.bins, ctx.linear_tails = bins, linear_tails
        return z, log_slope.sum(dim=0)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, grad_z: Tensor, grad_log_slope: Tensor
    ) -> tuple[Tensor, Tensor, None, None]:
        assert kernels is not None
        x, logits = ctx.saved_tensors
        grad_x, grad_logits = torch.empty_like(x), torch.empty_like(logits)
        with without_extensions():
            kernels.inverse_gradient_kernel(
                *_arrays(logits, x),
                ctx.bins,
                *_constants(),
                *_arrays(grad_z, grad_log_slope),
                *_arrays(grad_logits, grad_x),
            )
        if ctx.linear_tails:
            grad_logits[:, [2 * ctx.bins, 3 * ctx.bins]] = 0
        return grad_x, grad_logits, None, None


def _compiled_forward(z: Tensor, logits: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    assert kernels is not None
    z = z.contiguous()
    x, log_slope = torch.empty_like(z), torch.empty_like(z)
    with without_extensions():
        kernels.forward_kernel(*_arrays(logits, z), bins, *_constants(), *_arrays(x, log_slope))
    return x, log_slope.sum(dim=0)
