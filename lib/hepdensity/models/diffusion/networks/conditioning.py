"""How networks see the angle and the conditions: features, a context, and modulated layers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hepdensity.models.diffusion.fields import END

SCALE = 0.05
"""Angle below which the features of the angle change no more than linearly [rad].

They are smooth there, so that solvers need no small steps, and resolve log(angle) above.
"""
_WAVES = 12
MASKED = -1e9
"""Logit of an absent point; a finite one, because a softmax over -inf only is NaN."""


def angle_features(angle: Tensor) -> Tensor:
    """Cosines of log(1 + angle / SCALE), shape ``(n, 12)``."""
    u = torch.log1p(angle / SCALE) / math.log1p(END / SCALE)
    waves = torch.arange(1, _WAVES + 1, device=angle.device)
    return torch.cos(math.pi * waves * u[:, None])


class Context(nn.Module):
    """A vector for each event, from the angle and the conditions."""

    def __init__(self, conditions: int, width: int) -> None:
        """Create the network.

        Args:
            conditions: number of conditions.
            width: width of the vector.
        """
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(_WAVES + conditions, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, angle: Tensor, condition: Tensor) -> Tensor:
        """Vectors, shape ``(n, width)``."""
        result: Tensor = self.network(torch.cat([angle_features(angle), condition], dim=1))
        return result


class Modulation(nn.Module):
    """Scales, shifts and gates from a context (Peebles and Xie 2023, arXiv:2212.09748).

    They begin as 1, 0 and 1. Contexts have the shape ``(n, width)`` or, if those of the points
    differ, ``(n, N, width)``.
    """

    def __init__(self, width: int, outputs: int) -> None:
        """Create the map.

        Args:
            width: width of the context and of each output.
            outputs: number of outputs.
        """
        super().__init__()
        self._outputs = outputs
        self.map = nn.Linear(width, outputs * width)
        nn.init.zeros_(self.map.weight)
        nn.init.zeros_(self.map.bias)

    def forward(self, context: Tensor) -> tuple[Tensor, ...]:
        """Outputs, which begin as 0, each of shape ``(n, 1 or N, width)``."""
        if context.dim() == 2:
            context = context[:, None]
        parts: tuple[Tensor, ...] = self.map(nn.functional.silu(context)).chunk(
            self._outputs, dim=-1
        )
        return parts


def modulated(values: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Values with mean 0 and variance 1 over the last axis, then scaled and shifted."""
    normal = nn.functional.layer_norm(values, values.shape[-1:])
    return torch.addcmul(shift, normal, 1 + scale)


class Feedforward(nn.Module):
    """Two linear maps with a GELU in between, added to their input with a gate."""

    def __init__(self, width: int) -> None:
        """Create the block.

        Args:
            width: width of the states; the hidden layer has twice as many units.
        """
        super().__init__()
        self.modulation = Modulation(width, 3)
        self.network = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, states: Tensor, context: Tensor) -> Tensor:
        """States of the same shape ``(n, N, width)``."""
        scale, shift, gate = self.modulation(context)
        found = self.network(modulated(states, scale, shift))
        return torch.addcmul(states, found, 1 + gate)


class Output(nn.Module):
    """The velocity of each point from its state; 0 before training."""

    def __init__(self, width: int, coordinates: int) -> None:
        """Create the layer.

        Args:
            width: width of the states.
            coordinates: coordinates of a point.
        """
        super().__init__()
        self.modulation = Modulation(width, 2)
        self.map = nn.Linear(width, coordinates)
        nn.init.zeros_(self.map.weight)
        nn.init.zeros_(self.map.bias)

    def forward(self, states: Tensor, context: Tensor) -> Tensor:
        """Velocities, shape ``(n, N, coordinates)``."""
        scale, shift = self.modulation(context)
        result: Tensor = self.map(modulated(states, scale, shift))
        return result


def check_heads(width: int, heads: int) -> None:
    """Check that heads divide the width.

    Raises:
        ValueError: if they do not.
    """
    if width % heads:
        raise ValueError(f"width {width} is not a multiple of {heads} attention heads")


def heads_of(values: Tensor, heads: int) -> Tensor:
    """Values of the last axis, split into heads, shape ``(n, heads, N, width / heads)``."""
    return values.unflatten(2, (heads, -1)).transpose(1, 2)


def attend(logits: Tensor, values: Tensor) -> Tensor:
    """Means of values with weights from logits, all heads side by side, ``(n, N, width)``.

    Args:
        logits: shape ``(n, heads, N, M)``.
        values: shape ``(n, heads, M, width / heads)``.
    """
    return (logits.softmax(dim=3) @ values).transpose(1, 2).flatten(2)
