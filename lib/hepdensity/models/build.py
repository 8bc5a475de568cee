"""Build a model from the name of its builder.

Builders are not imported but named, so that an edit of one model does not retrain the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from hepdensity.checkpoint import load_weights
from hepdensity.models.base import DensityModel, MultiplicityModel, Trainable
from hepdensity.named import named_function

if TYPE_CHECKING:
    from hepdensity.models.layout import Layout

Model = TypeVar("Model", bound=Trainable)


def build(builder: str, layout: Layout, seed: int, settings: Mapping[str, Any]) -> Trainable:
    """Build a model.

    Args:
        builder: "module:function"; the function takes `layout`, `seed` and the settings.
        layout: columns of the events.
        seed: seed of the initial weights.
        settings: other keyword arguments of the function.

    Raises:
        ValueError: if there is no such builder, if it rejects the layout or a setting, or if
            particles may be absent and the model cannot draw events of a given presence set.

    Example:
        >>> import torch
        >>> from hepdensity.models.layout import Column, Layout
        >>> layout = Layout(event=(Column("x"), Column("y")), particle=(), particles=0)
        >>> sizes = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 4}
        >>> builder = "hepdensity.models.flows.flow:spline_flow"
        >>> model = build(builder, layout, seed=1, settings={"permutation": "none", **sizes})
        >>> events = model.sample(5, torch.Generator().manual_seed(1))
        >>> events.shape, model.log_prob(events).shape
        (torch.Size([5, 2]), torch.Size([5]))
    """
    model: Trainable = named_function(builder)(layout=layout, seed=seed, **settings)
    if layout.sets and isinstance(model, DensityModel) and not isinstance(model, MultiplicityModel):
        raise ValueError(
            f"{builder}: particles of these events may be absent, so the model must be a"
            " MultiplicityModel; see docs/extending.md"
        )
    return model


def build_as(
    expected: type[Model], builder: str, layout: Layout, seed: int, settings: Mapping[str, Any]
) -> Model:
    """Build a model that must be of a given class (see `build`).

    Raises:
        ValueError: if it is of another one, e.g. a classifier where a density is needed.
    """
    model = build(builder, layout, seed, settings)
    if not isinstance(model, expected):
        raise ValueError(
            f"{builder}: the model is a {type(model).__name__}, not a {expected.__name__}; choose"
            " another model here"
        )
    return model


def load_model(
    expected: type[Model],
    weights: str | Path,
    given: Mapping[str, Any],
    layout: Layout,
    seed: int,
    device: torch.device | None = None,
) -> Model:
    """A trained model, ready for evaluation.

    Args:
        expected: its class.
        weights: file with its weights.
        given: its `builder` and `settings`.
        layout: columns of the events.
        seed: seed of its training.
        device: where to put it; by default the CPU.

    Raises:
        ValueError: if it is of another class, or the weights are not its own.
    """
    model = build_as(expected, given["builder"], layout, seed, given["settings"])
    load_weights(Path(weights), model)
    return model.to(device or torch.device("cpu")).eval()
