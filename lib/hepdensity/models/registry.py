"""The models that a configuration can name."""

from collections.abc import Callable, Mapping
from typing import Any

from hepdensity.models.base import DensityModel
from hepdensity.models.classifier import classified_flow
from hepdensity.models.flows.discrete import argmax_flow, dequantisation_flow
from hepdensity.models.flows.dropout import dropout_flow
from hepdensity.models.flows.flow import spline_flow
from hepdensity.models.flows.labelled_phase_space import labelled_phase_space_flow
from hepdensity.models.flows.mixture import mixture_flow
from hepdensity.models.flows.phase_space import phase_space_flow

MODELS: dict[str, Callable[..., DensityModel]] = {
    "argmax": argmax_flow,
    "classifier": classified_flow,
    "dequantisation": dequantisation_flow,
    "dropout": dropout_flow,
    "flow": spline_flow,
    "mixture": mixture_flow,
    "phase-space": phase_space_flow,
    "phase-space-labels": labelled_phase_space_flow,
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
