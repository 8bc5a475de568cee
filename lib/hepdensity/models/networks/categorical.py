"""Linear maps with a softmax: over many categories, or over the values of each of several codes.

Only one value of each softmax is needed per event. With thousands of categories, passes over all
logits cost as much as the products with the weights. There is therefore only one array of
exponentials, which is written once, block by block while it is in the cache, and the gradients
follow from it by products only.
"""

from collections.abc import Sequence
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


class FactorisedCategorical(nn.Linear):
    """Logits of the values of several independent codes."""

    def __init__(self, in_features: int, counts: Sequence[int]) -> None:
        """Create the map.

        Args:
            in_features: number of inputs.
            counts: number of values of each code.
        """
        super().__init__(in_features, sum(counts))
        self.counts = tuple(counts)

    def log_prob(self, x: Tensor, codes: Tensor) -> Tensor:
        """Log-probability of codes [nats], shape ``(n,)``; an absent code (-1) has probability 1.

        Args:
            x: inputs, shape ``(n, in_features)``.
            codes: int64, shape ``(n, codes)``.
        """
        absent = codes < 0
        parts = self(x).split(self.counts, dim=1)
        columns = codes.clamp(min=0).split(1, dim=1)
        chosen = [
            logits.log_softmax(dim=1).gather(1, column)
            for logits, column in zip(parts, columns, strict=True)
        ]
        return torch.cat(chosen, dim=1).masked_fill(absent, 0).sum(dim=1)

    def draw(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw codes, int64, shape ``(n, codes)``."""
        drawn = [
            logits.softmax(dim=1).multinomial(1, generator=generator)
            for logits in self(x).split(self.counts, dim=1)
        ]
        return torch.cat(drawn, dim=1)


class _LogProbability(torch.autograd.Function):
    """log softmax(x W^T + b) at the category."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, category: Tensor) -> Tensor:
        exponentials = x.new_empty(len(x), len(weight))
        blocks = zip(
            x.split(_BLOCK), category.split(_BLOCK), exponentials.split(_BLOCK), strict=True
        )
        parts = [_fill(given, chosen, out, weight, bias) for given, chosen, out in blocks]
        chosen, total = (torch.cat(part) for part in zip(*parts, strict=True))
        ctx.save_for_backward(x, weight, category, exponentials, total)
        return chosen - total.log()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, category, exponentials, total = ctx.saved_tensors
        share = grad / total  # of an exponential in the gradient of its logit
        grad_weight = torch.mm(exponentials.T, share[:, None] * x).neg_()
        grad_weight.index_add_(0, category, grad[:, None] * x)
        grad_bias = torch.mv(exponentials.T, share).neg_().index_add_(0, category, grad)
        grad_x = grad[:, None] * weight[category] - share[:, None] * (exponentials @ weight)
        return grad_x, grad_weight, grad_bias, None


def _fill(
    x: Tensor, category: Tensor, out: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Write exponentials of the logits of a block of events to ``out``, scaled to at most 1.

    Returns the logit of the category minus the largest one, and the sum of the exponentials.
    """
    torch.addmm(bias, x, weight.T, out=out)
    out -= out.amax(dim=1, keepdim=True)
    chosen = out.gather(1, category[:, None])[:, 0]
    return chosen, out.exp_().sum(dim=1)
