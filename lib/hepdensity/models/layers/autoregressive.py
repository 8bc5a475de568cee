"""Masked autoregressive flow layers with rational-quadratic splines.

See Papamakarios et al. 2017 (arXiv:1705.07057) and Durkan et al. 2019 (arXiv:1906.04032). As in
Verheyen 2022 (arXiv:2205.01697), section 3.2, density evaluation takes one pass and sampling is
sequential. For the inverted layer, it is the other way round.
"""

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layers.spline import spline_forward, spline_inverse
from hepdensity.models.networks.made import ResidualMADE


class _SplineLayer(Layer):
    """Splines with parameters from a MADE; coordinates may be dropped."""

    kind = LayerKind.BIJECTION

    def __init__(
        self,
        features: int,
        hidden: int,
        residual_blocks: int,
        bins: int,
        context: int = 0,
        may_drop: bool = False,
        linear_tails: bool = False,
    ) -> None:
        """Create the layer.

        Args:
            features: dimension of the cube.
            hidden: hidden units of the MADE.
            residual_blocks: residual blocks of the MADE ("MADE layers" of the paper's table 1).
            bins: bins of each spline ("RQS knots" of table 1).
            context: width of the context, 0 for none.
            may_drop: whether coordinates may be dropped (NaN). They do not change and have zero
                contribution, and the network sees zeros; the context must identify them.
            linear_tails: whether the slope at both ends of the unit interval is one, so that the
                splines continue smoothly as the identity outside.
        """
        super().__init__()
        self.bins, self.may_drop, self.linear_tails = bins, may_drop, linear_tails
        self.made = ResidualMADE(features, hidden, residual_blocks, 3 * bins + 1, context)

    def _seen(self, coordinates: Tensor) -> Tensor:
        """Coordinates as the network sees them, ``(k, n)``."""
        if not self.may_drop:
            return coordinates
        return torch.where(coordinates.isnan(), torch.zeros_like(coordinates), coordinates)

    def _parallel(self, given: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        feature_first = given.T.contiguous()
        logits = self.made(self._seen(feature_first), context)
        mapped, log_slope = spline_inverse(feature_first, logits, self.bins, self.linear_tails)
        return mapped.T, log_slope

    @torch.no_grad()
    def _sequential(self, given: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Undo ``_parallel``, and return its log-slope at the resulting point."""
        given = given.T.contiguous()
        found = torch.empty_like(given)
        log_slope = given.new_zeros(given.shape[1])
        network = self.made.sequential(given.shape[1], given, context)
        for d in range(len(given)):
            logits, part = network.parameters(d)[None], given[d : d + 1]
            found[d : d + 1], slope = spline_forward(part, logits, self.bins, self.linear_tails)
            log_slope += slope
            network.reveal(self._seen(found[: d + 1]))
        return found.T, log_slope


class AutoregressiveSpline(_SplineLayer):
    """Bijection of the unit cube, x_j = f(z_j; theta_j(x_1 ... x_{j-1}))."""

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map data to latent points, all coordinates at once."""
        return self._parallel(x, context)

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map latent to data points, coordinate by coordinate, without gradients for weights."""
        return self._sequential(z, context)


class InvertedAutoregressiveSpline(_SplineLayer):
    """Bijection of the unit cube, x_j = f(z_j; theta_j(z_1 ... z_{j-1})).

    Sampling is fast and differentiable, as auxiliary flows need that are sampled during training
    (Kingma et al. 2016, arXiv:1606.04934).
    """

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map latent to data points, all coordinates at once."""
        x, log_slope = self._parallel(z, context)
        return x, -log_slope

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map data to latent points, coordinate by coordinate, without gradients for weights."""
        z, log_slope = self._sequential(x, context)
        return z, -log_slope
