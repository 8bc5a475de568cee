"""Hit-or-miss unweighting with a stated maximum, and its statistics."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

MARGIN = 1.05
"""Ratio of the stated maximum to the largest weight of the pilot points."""


def stated_maximum(pilot: Tensor, margin: float = MARGIN) -> float:
    """Maximum for the unweighting, from the weights (n,) of pilot points.

    Raises:
        ValueError: If no weight is positive.
    """
    largest = float(pilot.max()) if len(pilot) else 0.0
    if not largest > 0:
        raise ValueError("none of the pilot weights is positive: there is nothing to unweight")
    return largest * margin


def accept(weights: Tensor, maximum: float, generator: torch.Generator) -> Tensor:
    """Keep events with probability min(1, weight / maximum).

    Args:
        weights: (n,).
        maximum: Stated maximum.
        generator: Source of random numbers, on the device of the weights.

    Returns:
        Boolean (n,).
    """
    uniform = torch.rand(
        weights.shape, dtype=weights.dtype, device=weights.device, generator=generator
    )
    return uniform * maximum < weights


@dataclass
class Tally:
    """Sums over all weights tried so far.

    Attributes:
        maximum: Stated maximum.
        tried: Number of weights.
        accepted: Number of accepted events.
        overweight: Number of events above the maximum; all of them are accepted.
        excess: Sum of the amounts by which these weights exceed the maximum.
        total: Sum of weights.
        squares: Sum of squared weights.
    """

    maximum: float
    tried: int = 0
    accepted: int = 0
    overweight: int = 0
    excess: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def add(self, weights: Tensor, accepted: Tensor) -> None:
        """Count weights (n,) and which of them were accepted (n,)."""
        self.tried += len(weights)
        self.accepted += int(accepted.sum())
        self.overweight += int((weights > self.maximum).sum())
        self.excess += float((weights - self.maximum).clamp_min(0).sum())
        self.total += float(weights.sum())
        self.squares += float(weights.square().sum())

    @property
    def efficiency(self) -> float:
        """Fraction of the weights that were accepted."""
        return self.accepted / self.tried

    @property
    def overweight_fraction(self) -> float:
        """Fraction of the accepted events that are above the maximum."""
        return self.overweight / self.accepted if self.accepted else 0.0

    @property
    def lost_fraction(self) -> float:
        """Fraction of the total weight above the maximum; the unweighted events lack it."""
        return self.excess / self.total if self.total else 0.0

    @property
    def mean(self) -> float:
        """Mean weight."""
        return self.total / self.tried

    @property
    def error(self) -> float:
        """Standard error of the mean weight."""
        variance = max(self.squares / self.tried - self.mean**2, 0.0)
        return math.sqrt(variance / max(self.tried - 1, 1))
