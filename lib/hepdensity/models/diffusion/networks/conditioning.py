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
_EXCLUDED = -1e9  # not -inf, because a softmax over -inf only is NaN


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


def point_encoder(inputs: int, width: int) -> nn.Sequential:
    """First state of each point from what is known of it, by two linear maps with a GELU between.

    Args:
        inputs: coordinates of a point, and features beside them.
        width: width of the states.
    """
    return nn.Sequential(nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width))


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


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, heads: int) -> Tensor:
    """Attention with all heads side by side, shape ``(n, N, width)``.

    Args:
        query: shape ``(n, N, width)``.
        key: shape ``(n, M, width)``.
        value: shape ``(n, M, width)``.
        bias: added to the logits, see `attention_bias`.
        heads: number of heads.
    """
    query, key, value = (
        part.unflatten(2, (heads, -1)).transpose(1, 2) for part in (query, key, value)
    )
    # Adding a constant is cheaper than masking, above all in reverse passes.
    logits = (query / math.sqrt(query.shape[3])) @ key.mT + bias
    return (logits.softmax(dim=3) @ value).transpose(1, 2).flatten(2)


def attention_bias(allowed: Tensor, like: Tensor) -> Tensor:
    """Logits that exclude what is not allowed, shape ``(n, 1, 1 or N, M)``.

    A row in which nothing is allowed attends to everything; it must be set to 0 afterwards.

    Args:
        allowed: which points see which, bool, shape ``(n, 1 or N, M)``.
        like: tensor whose precision the logits get.
    """
    return torch.zeros_like(allowed, dtype=like.dtype).masked_fill(~allowed, _EXCLUDED)[:, None]
