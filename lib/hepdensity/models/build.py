"""Build a model from the name of its builder.

Builders are not imported but named, so that an edit of one model does not retrain the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hepdensity.models.base import DensityModel, MultiplicityModel
from hepdensity.named import named_function

if TYPE_CHECKING:
    from hepdensity.models.base import Trainable
    from hepdensity.models.layout import Layout


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


def build_density(
    builder: str, layout: Layout, seed: int, settings: Mapping[str, Any]
) -> DensityModel:
    """Build a model that must be a density model (see `build`).

    Raises:
        ValueError: if it is not a density model, but e.g. a classifier.
    """
    model = build(builder, layout, seed, settings)
    if not isinstance(model, DensityModel):
        raise ValueError(
            f"{builder}: the model is not a DensityModel, so it has no log-density and no samples;"
            " use it only where a classifier is needed"
        )
    return model
