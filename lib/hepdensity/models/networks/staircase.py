"""A linear map in which every output sees only the first part of the inputs.

If hidden units are sorted by their autoregressive degree, the masks of a MADE are staircases: row r
sees the first ``extents[r]`` inputs. It is then not necessary to multiply by the zeros. Each step
of the staircase is one dense product, which halves the arithmetic of a MADE on a CPU. On other
devices, kernel launches cost more than zeros, so the whole masked weight is used.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Steps = tuple[tuple[int, int, int], ...]


def staircase_steps(extents: list[int], most: int) -> Steps:
    """Group rows into at most ``most`` steps ``(first row, last row + 1, inputs seen)``.

    Args:
        extents: number of inputs seen by each row, not decreasing.
        most: maximum number of steps; merged neighbours use the larger extent.

    Raises:
        ValueError: if the extents decrease.
    """
    if any(a > b for a, b in pairwise(extents)):
        raise ValueError("rows of a staircase must be sorted by the number of inputs that they see")
    edges = [0] + [i for i in range(1, len(extents)) if extents[i] != extents[i - 1]]
    if len(edges) > most:
        edges = [edges[(i * len(edges)) // most] for i in range(most)]
    ends = [*edges[1:], len(extents)]
    return tuple((a, b, extents[b - 1]) for a, b in zip(edges, ends, strict=True))


class StaircaseLinear(nn.Module):
    """``weight @ x + bias`` with a staircase mask, for ``x`` of shape ``(in_features, n)``.

    The weight has the full shape ``(out_features, in_features)``, and masked entries are always
    zero. The number of parameters is therefore the same as in other codes, and weights can be
    exchanged with them.
    """

    mask: Tensor

    def __init__(self, in_features: int, extents: list[int], most_steps: int = 8) -> None:
        """Create the map with torch's default initialisation of a linear layer.

        Args:
            in_features: number of inputs.
            extents: number of leading inputs that each output sees, not decreasing.
            most_steps: maximum number of block products on the CPU.
        """
        super().__init__()
        reference = nn.Linear(in_features, len(extents))
        mask = torch.arange(in_features)[None, :] < torch.tensor(extents)[:, None]
        self.register_buffer("mask", mask, persistent=False)
        self.weight = nn.Parameter(reference.weight.detach() * mask)
        self.bias = nn.Parameter(reference.bias.detach().clone())
        self.steps = staircase_steps(extents, most_steps)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(in_features, n)`` to ``(out_features, n)``."""
        if x.device.type == "cpu":
            output: Tensor = _StaircaseProduct.apply(
                x, self.weight, self.bias, self.mask, self.steps
            )
            return output
        return functional.linear(x.T, self.weight * self.mask, self.bias).T

    def rows(self, start: int, stop: int, x: Tensor) -> Tensor:
        """Outputs ``start`` to ``stop`` from the known leading inputs, ``(k, n)``."""
        return torch.addmm(self.bias[start:stop, None], self.weight[start:stop, : len(x)], x)


class _StaircaseProduct(torch.autograd.Function):
    """Block products over the steps, also for the gradients."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mask: Tensor, steps: Steps
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mask)
        ctx.steps = steps
        output = x.new_empty(len(weight), x.shape[1])
        for start, stop, seen in steps:
            rows = output[start:stop]
            if seen == 0:
                rows.copy_(bias[start:stop, None].expand_as(rows))
            else:
                torch.addmm(bias[start:stop, None], weight[start:stop, :seen], x[:seen], out=rows)
        return output

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None, None]:
        x, weight, mask = ctx.saved_tensors
        grad = grad.contiguous()
        grad_weight = torch.zeros_like(weight)
        for start, stop, seen in ctx.steps:
            if seen:
                grad_weight[start:stop, :seen] = grad[start:stop] @ x[:seen].T
        grad_x = _grad_input(grad, weight, x, ctx.steps) if ctx.needs_input_grad[0] else None
        return grad_x, grad_weight.mul_(mask), grad.sum(dim=1), None, None


def _grad_input(grad: Tensor, weight: Tensor, x: Tensor, steps: Steps) -> Tensor:
    """All later rows see the columns between two neighbouring extents, so one product suffices."""
    result = torch.zeros_like(x)
    known = 0
    for start, _, seen in steps:
        if seen > known:
            torch.mm(weight[start:, known:seen].T, grad[start:], out=result[known:seen])
            known = seen
    return result
