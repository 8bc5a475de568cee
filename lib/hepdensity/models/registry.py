"""The models that a configuration can name."""

from collections.abc import Callable, Mapping
from typing import Any

from hepdensity.models.base import DensityModel
from hepdensity.models.flows.flow import spline_flow

MODELS: dict[str, Callable[..., DensityModel]] = {
    "flow": spline_flow,
}


def build_model(block: Mapping[str, Any], seed: int) -> DensityModel:
    """Build the model that a block of ``config.yaml`` names.

    Args:
        block: ``kind`` and the keyword arguments of that kind's builder.
        seed: seed of the initial weights.

    Raises:
        ValueError: for an unknown kind.
    """
    settings = dict(block)
    kind = settings.pop("kind")
    if kind not in MODELS:
        raise ValueError(f"unknown model kind '{kind}': choose from {sorted(MODELS)}")
    return MODELS[kind](seed=seed, **settings)
