"""A linear map with a softmax over many categories, of which one is wanted for each event.

With thousands of categories the passes over all logits cost as much as the products with the
weights. Here there is one array of probabilities, written once, block by block while it is in the
cache, and the gradients are formed from it by products alone.
"""

from typing import Any

import torch
from torch import Tensor, nn

_BLOCK = 64


class Categorical(nn.Linear):
    """Logits of categories; ``log_prob`` gives the log-probability of one of them."""

    def log_prob(self, x: Tensor, category: Tensor) -> Tensor:
        """Log-probability of a category [nats], shape ``(n,)``.

        Args:
            x: inputs, shape ``(n, in_features)``.
            category: int64, shape ``(n,)``.
        """
        value: Tensor = _LogProbability.apply(x, self.weight, self.bias, category)
        return value


class _LogProbability(torch.autograd.Function):
    """log softmax(x W^T + b) at the category."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, category: Tensor) -> Tensor:
        probabilities = x.new_empty(len(x), len(weight))
        blocks = zip(
            x.split(_BLOCK), category.split(_BLOCK), probabilities.split(_BLOCK), strict=True
        )
        parts = [_fill(given, chosen, out, weight, bias) for given, chosen, out in blocks]
        ctx.save_for_backward(x, weight, category, probabilities)
        return torch.cat(parts)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, category, probabilities = ctx.saved_tensors
        weighted = grad[:, None] * x
        grad_weight = torch.mm(probabilities.T, weighted).neg_().index_add_(0, category, weighted)
        grad_bias = torch.mv(probabilities.T, grad).neg_().index_add_(0, category, grad)
        grad_x = (weight[category] - probabilities @ weight).mul_(grad[:, None])
        return grad_x, grad_weight, grad_bias, None


def _fill(x: Tensor, category: Tensor, out: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Write the probabilities of a block of events to ``out``; returns log p(category)."""
    torch.addmm(bias, x, weight.T, out=out)
    out -= out.amax(dim=1, keepdim=True)
    chosen = out.gather(1, category[:, None])[:, 0]
    total = out.exp_().sum(dim=1)
    out /= total[:, None]
    return chosen - total.log()
