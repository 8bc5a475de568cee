"""Log-likelihoods of events under a trained model, with standard errors [nats]."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from hepdensity.models.base import DensityModel, symmetrised

_CHUNK = 2_500


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error."""

    value: float
    error: float


def mean_with_error(values: np.ndarray) -> Estimate:
    """Mean of independent values and its standard error.

    Args:
        values: shape ``(n,)``, n >= 2; infinities make the mean infinite and the error NaN.

    Raises:
        ValueError: for fewer than two values, whose spread is unknown.
    """
    if len(values) < 2:
        raise ValueError("a standard error needs at least two values")
    if np.isinf(values).any():
        return Estimate(float(np.mean(values)), float("nan"))
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))


def log_likelihoods(
    model: DensityModel,
    events: Tensor,
    particles: int,
    generator: Generator,
    advance: Callable[[int], object] = lambda n: None,
) -> dict[str, np.ndarray]:
    """Log-densities of test events.

    Args:
        model: trained model, on the device of ``events``.
        events: shape ``(n, d)``.
        particles: number of exchangeable particles.
        generator: noise of the one-draw value, on the device of ``events``.
        advance: called with the number of events after each chunk of each kind of value.

    Returns:
        Arrays of shape ``(n,)`` [nats]: ``log_likelihood`` with one draw, as the paper reports it;
        ``log_likelihood_exact``, the log-density of the model's samples; and for a model that is
        exact with one draw, hence treats particles as ordered, ``log_likelihood_symmetrised``, the
        log-mean-exp over all orders.
    """

    def chunked(function: Callable[[Tensor], Tensor]) -> np.ndarray:
        parts = []
        with torch.no_grad():
            for chunk in events.split(_CHUNK):
                parts.append(function(chunk).double().cpu())
                advance(len(chunk))
        return torch.cat(parts).numpy()

    values = {
        "log_likelihood": chunked(lambda x: model.log_prob(x, generator)),
        "log_likelihood_exact": chunked(model.log_prob_tight),
    }
    if not model.bound:
        values["log_likelihood_symmetrised"] = chunked(
            lambda x: symmetrised(model.log_prob, x, particles)
        )
    return values
