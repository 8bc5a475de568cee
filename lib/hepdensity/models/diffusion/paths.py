"""Paths from data x_0 to noise eps: x_t = alpha(t) x_0 + sigma(t) eps.

`CosinePath` is variance-preserving diffusion with the cosine schedule of Mikuni and Nachman 2024
(arXiv:2306.03933); its time is the angle, so that dx_t/dt is their v. `LinearPath` is that of flow
matching (Lipman et al. 2023, arXiv:2210.02747).

A network gives the velocity on the circle, dy/d(angle) with y = x_t / r and r^2 = alpha^2 +
sigma^2 (see `fields`). With x_t = r y, the velocity of the probability-flow ODE in x is

    dx/dt = (r' / r) x + r (d angle/dt) dy/d(angle).

So a network whose output is 0 describes a standard Gaussian on every path.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from hepdensity.models.diffusion.fields import END

_DENSE = 0.25
"""Angle below which the steps of the grid are nearly equal [rad]; see ADR 13."""


class Path(ABC):
    """A path from data (time 0) to a standard Gaussian (time ``end``).

    All times have shape ``(n,)``, or any shape that broadcasts with the coordinates.

    Attributes:
        end: time of the Gaussian end.
    """

    end: float

    @abstractmethod
    def alpha(self, time: Tensor) -> Tensor:
        """Factor of the data."""

    @abstractmethod
    def sigma(self, time: Tensor) -> Tensor:
        """Factor of the noise."""

    @abstractmethod
    def target(self, data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """dx_t/dt of a pair of data and noise; its mean given x_t is the velocity of the ODE."""

    @abstractmethod
    def velocity(self, x: Tensor, output: Tensor, time: Tensor) -> Tensor:
        """dx/dt of the probability-flow ODE from the output dy/d(angle) of a network at x / r."""

    @abstractmethod
    def time_of(self, log_snr: Tensor) -> Tensor:
        """Time at which log(alpha^2 / sigma^2) has this value."""

    def at(self, data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Position x_t of a pair of data and noise."""
        return self.alpha(time) * data + self.sigma(time) * noise

    def radius(self, time: Tensor) -> Tensor:
        """R = sqrt(alpha^2 + sigma^2)."""
        return torch.hypot(self.alpha(time), self.sigma(time))

    def angle(self, time: Tensor) -> Tensor:
        """Position on the circle [rad], from 0 to pi / 2."""
        return torch.atan2(self.sigma(time), self.alpha(time))


class CosinePath(Path):
    """alpha = cos t, sigma = sin t for t in [0, pi / 2]."""

    end = END

    def alpha(self, time: Tensor) -> Tensor:
        """Factor of the data, cos t."""
        return time.cos()

    def sigma(self, time: Tensor) -> Tensor:
        """Factor of the noise, sin t."""
        return time.sin()

    def target(self, data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """V = alpha eps - sigma x_0."""
        return time.cos() * noise - time.sin() * data

    def velocity(self, x: Tensor, output: Tensor, time: Tensor) -> Tensor:
        """The output itself."""
        return output

    def time_of(self, log_snr: Tensor) -> Tensor:
        """Atan exp(-log_snr / 2)."""
        return torch.atan(torch.exp(-log_snr / 2))


class LinearPath(Path):
    """alpha = 1 - t, sigma = t for t in [0, 1]."""

    end = 1.0

    def alpha(self, time: Tensor) -> Tensor:
        """Factor of the data, 1 - t."""
        return 1 - time

    def sigma(self, time: Tensor) -> Tensor:
        """Factor of the noise, t."""
        return time

    def target(self, data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Noise minus data, at all times."""
        return noise - data

    def velocity(self, x: Tensor, output: Tensor, time: Tensor) -> Tensor:
        """((2t - 1) / r^2) x + output / r."""
        radius = self.radius(time)
        return (2 * time - 1) / radius.square() * x + output / radius

    def time_of(self, log_snr: Tensor) -> Tensor:
        """1 / (1 + exp(log_snr / 2))."""
        return torch.sigmoid(-log_snr / 2)


def angle_grid(steps: int) -> list[float]:
    """Angles from the data to the Gaussian end [rad], dense at the data.

    They are equidistant in log(1 + angle / 0.25 rad).

    Args:
        steps: number of intervals.

    Raises:
        ValueError: if there is no step.
    """
    if steps < 1:
        raise ValueError(f"a grid needs at least one step, not {steps}")
    unit = math.log1p(END / _DENSE) / steps
    return [_DENSE * math.expm1(k * unit) for k in range(steps)] + [END]
