"""Training objectives of velocity fields.

All compare the velocity of the ODE with dx_t/dt of pairs of data and noise. They differ in the path
and in the weights of the times:

- `standard`: cosine path, times uniform in the angle; the "standard" loss of Mikuni and Nachman
  2024 (arXiv:2306.03933), which they call lambda = sigma^2.
- `maximum-likelihood`: cosine path, times uniform in the log-SNR L, weight alpha^2, which makes the
  error of the velocity that of the noise. 1/2 int |eps - eps_hat|^2 dL is, up to a constant, a
  bound on -log p (Song et al. 2021, arXiv:2101.09258; Kingma et al. 2021, arXiv:2107.00630).
- `flow-matching`: linear path, uniform times (Lipman et al. 2023, arXiv:2210.02747).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hepdensity.models.diffusion.fields import Field, Points
from hepdensity.models.diffusion.paths import CosinePath, LinearPath, Path

LOG_SNR = 10.0
"""Log-SNR runs from -LOG_SNR to LOG_SNR in the loss `maximum-likelihood`."""


@dataclass(frozen=True)
class Objective:
    """A training objective.

    Attributes:
        path: path from data to noise.
        likelihood: whether times are uniform in log-SNR and errors are those of the noise;
            otherwise times are uniform and errors are those of the velocity.
    """

    path: Path
    likelihood: bool = False

    def times(self, n: int, like: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw times, one in each of ``n`` equal intervals of the range, in random order.

        Args:
            n: number of times.
            like: tensor whose precision and device the times get.
            generator: source of random numbers.
        """
        dtype, device = like.dtype, like.device
        order = torch.randperm(n, generator=generator, device=device)
        u = (order + torch.rand(n, generator=generator, dtype=dtype, device=device)) / n
        if self.likelihood:
            return self.path.time_of(LOG_SNR * (2 * u - 1))
        return self.path.end * u

    def loss(self, field: Field, points: Points, generator: Generator | None = None) -> Tensor:
        """Mean over the coordinates of all present points, a scalar.

        For `maximum-likelihood`, it is an upper bound on -log p per coordinate in the limit of many
        times [nats], with a Gaussian of variance exp(-LOG_SNR) for the last step to the data.
        Otherwise it is a mean squared error.

        Args:
            field: velocity field.
            points: data.
            generator: source of random numbers.
        """
        x = points.x
        time = self.times(len(x), x, generator)
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return self.loss_at(field, points, noise, time)

    def loss_at(self, field: Field, points: Points, noise: Tensor, time: Tensor) -> Tensor:
        """The loss with given noise, shape ``(n, N, c)``, and times, shape ``(n,)``."""
        path, data, each = self.path, points.x, time[:, None, None]
        x = path.at(data, noise, each)
        output = field(path.angle(time), points.at(x / path.radius(each)))
        error = path.velocity(x, output, each) - path.target(data, noise, each)
        squares = points.masked(error).square().sum(dim=(1, 2))
        if self.likelihood:
            squares = squares * path.alpha(time).square()
        mean = squares.sum() / points.dimensions.sum().clamp(min=1)
        if not self.likelihood:
            return mean
        return LOG_SNR * mean + 0.5 * (1 + math.log(2 * math.pi) - LOG_SNR)


OBJECTIVES = {
    "standard": Objective(CosinePath()),
    "maximum-likelihood": Objective(CosinePath(), likelihood=True),
    "flow-matching": Objective(LinearPath()),
}
"""Objectives by name."""
