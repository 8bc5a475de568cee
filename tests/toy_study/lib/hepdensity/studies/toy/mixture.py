"""Two Gaussians in the plane."""

import numpy as np
from scipy.stats import multivariate_normal

from hepdensity.models.layout import Column, Layout

LAYOUT = Layout(
    event=(Column("x", support="real"), Column("y", support="real")), particle=(), particles=0
)
_MEANS, _COVARIANCE = ((-2.0, 0.0), (2.0, 1.0)), ((1.0, 0.5), (0.5, 1.0))


def draw(n: int, numbers: np.random.Generator) -> np.ndarray:
    """Events, shape (n, 2)."""
    centres = np.array(_MEANS)[numbers.integers(2, size=n)]
    drawn: np.ndarray = centres + numbers.multivariate_normal((0, 0), _COVARIANCE, n)
    return drawn


def log_density(events: np.ndarray) -> np.ndarray:
    """True log-density [nats], shape (n,)."""
    parts = [multivariate_normal(mean, _COVARIANCE).logpdf(events) for mean in _MEANS]
    total: np.ndarray = np.logaddexp(*parts) - np.log(2)
    return total
