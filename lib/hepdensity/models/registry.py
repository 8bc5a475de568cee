"""The models that a configuration can name.

Builders are named, not imported, so that an edit of one model does not retrain the others; the
workflow adds the named module to the source digest of the rules that build a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hepdensity.models.base import DensityModel

BUILDERS: dict[str, str] = {
    "argmax": "hepdensity.models.flows.discrete:argmax_flow",
    "classifier": "hepdensity.models.classifier:classified_flow",
    "dequantisation": "hepdensity.models.flows.discrete:dequantisation_flow",
    "dropout": "hepdensity.models.flows.dropout:dropout_flow",
    "flow": "hepdensity.models.flows.flow:spline_flow",
    "mixture": "hepdensity.models.flows.mixture:mixture_flow",
    "phase-space": "hepdensity.studies.gluino.models.phase_space_flow:phase_space_flow",
    "phase-space-labels": "hepdensity.studies.gluino.models.labelled_phase_space_flow:labelled_phase_space_flow",
}
"""Kind -> module:function."""

OWN = "own"
"""Kind of a model that is not listed above: its block gives ``builder`` and ``settings``."""


def builder_of(block: Mapping[str, Any]) -> tuple[str, str]:
    """Module and function that build the model of a block of ``config.yaml``.

    Raises:
        ValueError: for an unknown kind.
    """
    kind = block["kind"]
    if kind != OWN and kind not in BUILDERS:
        raise ValueError(f"unknown model kind '{kind}': choose from {sorted([*BUILDERS, OWN])}")
    module, _, function = (block["builder"] if kind == OWN else BUILDERS[kind]).partition(":")
    return module, function


def build_model(block: Mapping[str, Any], seed: int) -> DensityModel:
    """Build the model that a block of ``config.yaml`` names.

    Args:
        block: ``kind`` and the keyword arguments of that kind's builder; for kind "own" its
            ``builder`` as module:function, and as ``settings`` the keyword arguments.
        seed: seed of the initial weights.

    Raises:
        ValueError: for an unknown kind, or if there is no such builder.
    """
    module, function = builder_of(block)
    try:
        builder = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no model builder {module}:{function} ({error})") from error
    own = block["kind"] == OWN
    settings = block.get("settings", {}) if own else {k: v for k, v in block.items() if k != "kind"}
    model: DensityModel = builder(seed=seed, **settings)
    return model
