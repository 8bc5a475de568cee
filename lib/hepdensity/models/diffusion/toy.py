"""Models whose velocity field is known in closed form, for tests of solvers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hepdensity.models.diffusion.fields import Field, Points, no_condition
from hepdensity.models.diffusion.likelihood import Factor

_TOLERANCE = 1e-9


class GaussianMixture(Field):
    """The exact velocity field of points from a mixture of Gaussians.

    A row of d columns is a point. A row of N d columns is a set of N independent points, of which
    those with NaN in all their columns are absent.
    """

    means: Tensor
    covariances: Tensor
    log_weights: Tensor

    def __init__(self, means: Tensor, covariances: Tensor, weights: Tensor) -> None:
        """Keep the parameters in double precision (see `gaussian_mixture_model`)."""
        super().__init__()
        self.register_buffer("means", means)
        self.register_buffer("covariances", covariances)
        self.register_buffer("log_weights", weights.log())

    # --- closed forms ---------------------------------------------------------------------------

    def forward(self, angle: Tensor, points: Points) -> Tensor:
        """Velocity E[cos(angle) eps - sin(angle) x_0 | y], shape ``(n, N, d)``."""
        cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
        data, noise, _ = self._posterior(angle, points.x)
        return cosine * noise - sine * data

    def own_part(self, angle: Tensor, points: Points) -> Tensor:
        """The same, because the points are independent."""
        return self(angle, points)

    def score(self, angle: Tensor, x: Tensor) -> Tensor:
        """Gradient of the log-density on the way to the Gaussian end.

        Args:
            angle: position on the path [rad], shape ``(n,)``.
            x: points, shape ``(n, N, d)``.
        """
        return self._posterior(angle, x)[2]

    def closed_log_prob(self, batch: Tensor) -> Tensor:
        """Log-density of rows [nats], shape ``(n,)``."""
        points = self.points(batch)
        angle = batch.new_zeros(len(batch))
        each = self._log_components(angle, points.x)[0].logsumexp(dim=2)
        return points.masked(each[:, :, None]).sum(dim=(1, 2))

    def _log_components(self, angle: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Log of weight times density of each component, and C^-1 (y - cos mu) of each."""
        cosine, sine = angle.cos()[:, None, None, None], angle.sin()[:, None, None, None]
        identity = torch.eye(self.means.shape[1]).to(self.means)
        spread = cosine.square() * self.covariances.to(x) + sine.square() * identity.to(x)
        root = torch.linalg.cholesky(spread)[:, None]  # (n, 1, K, d, d)
        away = (x[:, :, None] - cosine * self.means.to(x))[..., None]
        white = torch.linalg.solve_triangular(root, away, upper=False)
        solved = torch.linalg.solve_triangular(root.mT, white, upper=True)[..., 0]
        volume = root.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        constant = 0.5 * x.shape[2] * math.log(2 * math.pi)
        log = -0.5 * white[..., 0].square().sum(dim=-1) - volume - constant
        return log + self.log_weights.to(x), solved

    def _posterior(self, angle: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means of data and noise given the points, and the score; ``(n, N, d)`` each."""
        log, solved = self._log_components(angle, x)
        share = log.softmax(dim=2)[..., None]
        cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
        data = self.means.to(x) + cosine[..., None] * torch.einsum(
            "kij,nmkj->nmki", self.covariances.to(x), solved
        )
        pull = (share * solved).sum(dim=2)
        return (share * data).sum(dim=2), sine * pull, -pull

    # --- as a model of rows ---------------------------------------------------------------------

    def points(self, batch: Tensor) -> Points:
        """Sets of points from rows.

        Raises:
            ValueError: if the columns are no points, or a point has some columns but not others.
        """
        width = self.means.shape[1]
        if batch.dim() != 2 or batch.shape[1] % width or not batch.shape[1]:
            raise ValueError(
                f"the events have shape {tuple(batch.shape)}, but the mixture has {width}"
                " dimensions; give (n, d), or (n, N d) for sets of N points"
            )
        x = batch.unflatten(1, (-1, width))
        absent = x.isnan()
        if bool((absent.any(dim=2) != absent.all(dim=2)).any()):
            raise ValueError("a point has NaN in some columns only; absent points have it in all")
        return Points(x.nan_to_num(nan=0.0), ~absent[:, :, 0], no_condition(batch))

    def ode_factors(self, batch: Tensor) -> tuple[dict[str, Tensor], dict[str, Factor]]:
        """One ODE, named `points`."""
        zero = torch.zeros(len(batch), dtype=torch.float64, device=batch.device)
        return {}, {"points": Factor(self, self.points(batch), zero)}

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` points directly, without an ODE, shape ``(n, d)``."""
        chosen = self.log_weights.exp().multinomial(n, replacement=True, generator=generator)
        shape = (n, self.means.shape[1], 1)
        dtype, device = self.means.dtype, self.means.device
        noise = torch.randn(shape, generator=generator, dtype=dtype, device=device)
        root = torch.linalg.cholesky(self.covariances)[chosen]
        return self.means[chosen] + (root @ noise)[..., 0]


def gaussian_mixture_model(
    means: Tensor | Sequence[Sequence[float]],
    covariances: Tensor | Sequence[Sequence[Sequence[float]]],
    weights: Tensor | Sequence[float],
) -> GaussianMixture:
    """A model whose velocity field and score are known in closed form at every time.

    `hepdensity.models.diffusion.likelihood.log_prob` takes it like any other model.

    Args:
        means: of the K components, shape ``(K, d)``.
        covariances: of the components, shape ``(K, d, d)``.
        weights: of the components, shape ``(K,)``; positive, with the sum 1.

    Raises:
        ValueError: if the shapes differ, a weight is not positive, the sum of the weights is not 1,
            or a covariance is not symmetric and positive definite.

    Example:
        >>> import torch
        >>> from hepdensity.models.diffusion.likelihood import log_prob
        >>> model = gaussian_mixture_model(
        ...     means=[[-2.0], [1.0]], covariances=[[[0.2]], [[0.5]]], weights=[0.3, 0.7]
        ... )
        >>> x = model.sample(5, torch.Generator().manual_seed(1))
        >>> value = log_prob(model, x, solver="adaptive", divergence="exact", rtol=1e-7, atol=1e-8)
        >>> bool((value - model.closed_log_prob(x)).abs().max() < 1e-5)
        True
    """
    mean, spread, weight = (
        torch.as_tensor(values, dtype=torch.float64) for values in (means, covariances, weights)
    )
    k, d = mean.shape if mean.dim() == 2 else (0, 0)
    if not k or not d or spread.shape != (k, d, d) or weight.shape != (k,):
        raise ValueError(
            "a mixture of K Gaussians in d dimensions has means of shape (K, d), covariances of"
            f" shape (K, d, d) and weights of shape (K,), not {tuple(mean.shape)},"
            f" {tuple(spread.shape)} and {tuple(weight.shape)}"
        )
    if bool((weight <= 0).any()) or abs(float(weight.sum()) - 1) > _TOLERANCE:
        raise ValueError(f"weights must be positive and sum to 1, not {weight.tolist()}")
    if not torch.allclose(spread, spread.mT) or bool((torch.linalg.eigvalsh(spread) <= 0).any()):
        raise ValueError("covariances must be symmetric and positive definite")
    return GaussianMixture(mean, spread, weight)
