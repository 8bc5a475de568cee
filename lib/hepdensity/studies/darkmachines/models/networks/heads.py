"""Conditional densities of one number: rational-quadratic splines with knots from a network."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.layers.spline import spline_forward, spline_inverse
from hepdensity.models.layers.standardisation import BOX, LOG_NORM

DOMAINS = ("line", "interval", "circle")
_SPREAD = 1e-2


class Head(nn.Module):
    """Density of one number given features.

    The number t is on the real line (with a Gaussian base, and the identity beyond five units), in
    the unit interval, or on a circle of unit length (with a density that is continuous at 0 = 1).
    """

    def __init__(self, features: int, hidden: int, bins: int, domain: str) -> None:
        """Create the head.

        Args:
            features: number of features.
            hidden: hidden units.
            bins: spline bins.
            domain: one of ``DOMAINS``.
        """
        super().__init__()
        self.bins, self.domain = bins, domain
        last = nn.Linear(hidden, 3 * bins + 1)
        nn.init.uniform_(last.weight, -_SPREAD, _SPREAD)
        nn.init.zeros_(last.bias)
        self.layers = nn.ModuleList([nn.Linear(features, hidden), nn.Linear(hidden, hidden), last])

    def _logits(self, features: Tensor) -> Tensor:
        """Spline logits, shape ``(1, 3 * bins + 1, n)``; the events are the last axis."""
        first, second, last = self.layers
        h = nn.functional.gelu(_feature_first(first, features.T))
        h = nn.functional.gelu(_feature_first(second, h))
        logits = _feature_first(last, h)
        if self.domain == "circle":
            knot = 2 * self.bins
            logits = torch.cat([logits[: 3 * self.bins], logits[knot : knot + 1]])
        return logits[None]

    def log_prob(self, t: Tensor, features: Tensor) -> Tensor:
        """Log-density of numbers [nats], shape ``(n,)``.

        Args:
            t: the numbers, shape ``(n,)``.
            features: what they depend on, shape ``(n, features)``.
        """
        line = self.domain == "line"
        u = 0.5 + t / (2 * BOX) if line else t
        z, log_slope = spline_inverse(u[None], self._logits(features), self.bins, line)
        if line:
            return log_slope - LOG_NORM - 0.5 * (2 * BOX * (z[0] - 0.5)).square()
        outside = (t < 0) | (t > 1)
        return log_slope.masked_fill(outside, -torch.inf)

    @torch.no_grad()
    def draw(self, features: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw numbers, shape ``(n,)``.

        Args:
            features: what they depend on, shape ``(n, features)``.
            generator: source of random numbers.
        """
        line = self.domain == "line"
        z = features.new_empty(1, len(features))
        if line:
            z = 0.5 + z.normal_(generator=generator) / (2 * BOX)
        else:
            z.uniform_(generator=generator)
        u, _ = spline_forward(z, self._logits(features), self.bins, line)
        return 2 * BOX * (u[0] - 0.5) if line else u[0]


def _feature_first(layer: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(layer, nn.Linear)
    return torch.addmm(layer.bias[:, None], layer.weight, x)
