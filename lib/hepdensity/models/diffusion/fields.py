"""Velocity fields of sets of points, as the probability-flow ODE takes them.

Every path x_t = alpha(t) x_0 + sigma(t) eps is, up to a factor on x, a rotation

    y = x_t / sqrt(alpha^2 + sigma^2) = cos(angle) x_0 + sin(angle) eps

from the data (angle 0) to a standard Gaussian (angle pi / 2). A velocity field gives
dy/d(angle) = E[cos(angle) eps - sin(angle) x_0 | y], the v of Salimans and Ho 2022
(arXiv:2202.00512). It knows nothing of the path on which it was trained (see `paths`), and for data
of a standard Gaussian it vanishes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

END = math.pi / 2
"""Angle of the Gaussian end [rad]."""


@dataclass(frozen=True)
class Points:
    """Sets of points, one for each event, with what they are conditioned on.

    Attributes:
        x: coordinates, shape ``(n, N, c)``; 0 for absent points.
        present: which points are present, bool, shape ``(n, N)``.
        condition: what the points are conditioned on, shape ``(n, k)``; k may be 0.
        known: what is known of each point beside its coordinates, shape ``(n, N, g)``, or None.
    """

    x: Tensor
    present: Tensor
    condition: Tensor
    known: Tensor | None = None

    def at(self, x: Tensor) -> Points:
        """The same sets with other coordinates; those of absent points are set to 0."""
        return replace(self, x=self.masked(x))

    def masked(self, values: Tensor) -> Tensor:
        """Values with 0 for absent points, shape ``(n, N, ...)``."""
        return values.masked_fill(~self.present[:, :, None], 0)

    def chosen(self, index: Tensor, most: int | None = None) -> Points:
        """Some of the sets, with at most this number of places for points."""
        known = None if self.known is None else self.known[index, :most]
        return Points(
            self.x[index, :most], self.present[index, :most], self.condition[index], known
        )

    def described(self, x: Tensor) -> Tensor:
        """Coordinates, and what is known of the points, shape ``(n, N, c + g)``."""
        return x if self.known is None else torch.cat([x, self.known], dim=2)

    @property
    def counts(self) -> Tensor:
        """Number of present points of each set, int64, shape ``(n,)``."""
        return self.present.sum(dim=1)

    @property
    def dimensions(self) -> Tensor:
        """Number of coordinates of the present points of each set, int64, shape ``(n,)``."""
        return self.counts * self.x.shape[2]


class Field(nn.Module, ABC):
    """A velocity field of sets of points."""

    @abstractmethod
    def forward(self, angle: Tensor, points: Points) -> Tensor:
        """Velocity dy/d(angle), shape ``(n, N, c)``; its values at absent points do not count.

        Args:
            angle: position on the path [rad], from 0 (data) to pi / 2 (Gaussian), shape ``(n,)``.
            points: sets of points.
        """

    def own_part(self, angle: Tensor, points: Points) -> Tensor:
        """The same velocity, with gradients from a point to its own velocity only.

        The divergence then takes as many reverse passes as a point has coordinates.

        Raises:
            ValueError: if the field cannot separate the gradients.
        """
        raise ValueError(
            f"{type(self).__name__} is not block-hollow; choose divergence 'exact' or 'hutchinson',"
            " or a block-hollow network"
        )


def no_condition(x: Tensor) -> Tensor:
    """Conditions of sets without any, shape ``(n, 0)``."""
    return x.new_zeros(len(x), 0)


def base_log_prob(points: Points) -> Tensor:
    """Log-density of the Gaussian end [nats], float64, shape ``(n,)``."""
    squares = points.masked(points.x).double().square().sum(dim=(1, 2))
    return -0.5 * (squares + points.dimensions * math.log(2 * math.pi))


def base_points(like: Points, generator: torch.Generator | None = None) -> Points:
    """Draw points of the Gaussian end, in sets of the same sizes."""
    x = like.x
    return like.at(torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device))
