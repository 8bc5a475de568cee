"""Masked autoregressive flow layer with rational-quadratic splines.

Papamakarios et al. 2017 (arXiv:1705.07057), Durkan et al. 2019 (arXiv:1906.04032); the setting of
Verheyen 2022 (arXiv:2205.01697), section 3.2: density evaluation is one pass, sampling is
sequential.
"""

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layers.spline import spline_forward, spline_inverse
from hepdensity.models.networks.made import ResidualMADE


class AutoregressiveSpline(Layer):
    """Bijection of the unit cube, x_j = f(z_j; theta_j(x_1 ... x_{j-1}))."""

    kind = LayerKind.BIJECTION

    def __init__(self, features: int, hidden: int, residual_blocks: int, bins: int) -> None:
        """Create the layer.

        Args:
            features: dimension of the cube.
            hidden: hidden units of the MADE.
            residual_blocks: residual blocks of the MADE ("MADE layers" of the paper's table 1).
            bins: bins of each spline ("RQS knots" of table 1).
        """
        super().__init__()
        self.bins = bins
        self.made = ResidualMADE(features, hidden, residual_blocks, 3 * bins + 1)

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map data to latent points, all coordinates at once."""
        feature_first = x.T.contiguous()
        z, contribution = spline_inverse(feature_first, self.made(feature_first), self.bins)
        return z.T, contribution

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map latent to data points, coordinate by coordinate, without gradients of weights."""
        z = z.T.contiguous()
        x = torch.empty_like(z)
        contribution = z.new_zeros(z.shape[1])
        with torch.no_grad():
            network = self.made.sequential(z.shape[1], z)
            for d in range(len(z)):
                logits = network.parameters(d)[None]
                x[d : d + 1], slope = spline_forward(z[d : d + 1], logits, self.bins)
                contribution += slope
                network.reveal(x[: d + 1])
        return x.T, contribution
