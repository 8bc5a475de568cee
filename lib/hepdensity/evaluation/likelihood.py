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
    model: DensityModel, events: Tensor, particles: int, generator: Generator
) -> dict[str, np.ndarray]:
    """Log-densities of test events.

    Args:
        model: trained model, on the device of ``events``.
        events: shape ``(n, d)``.
        particles: number of exchangeable particles.
        generator: noise of the one-draw value, on the device of ``events``.

    Returns:
        Arrays of shape ``(n,)`` [nats]: ``log_likelihood`` with one draw, as the paper reports it;
        ``log_likelihood_exact``, the log-density of the model's samples; and for a model that is
        exact with one draw, hence treats particles as ordered, ``log_likelihood_symmetrised``, the
        log-mean-exp over all orders.
    """
    values = {
        "log_likelihood": _chunked(lambda x: model.log_prob(x, generator), events),
        "log_likelihood_exact": _chunked(model.log_prob_tight, events),
    }
    if not model.bound:
        values["log_likelihood_symmetrised"] = _chunked(
            lambda x: symmetrised(model.log_prob, x, particles), events
        )
    return values


@torch.no_grad()
def _chunked(function: Callable[[Tensor], Tensor], events: Tensor) -> np.ndarray:
    parts = [function(chunk) for chunk in events.split(_CHUNK)]
    result: np.ndarray = torch.cat(parts).double().cpu().numpy()
    return result
