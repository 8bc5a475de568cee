"""Build a model by the name of its builder.

Builders are named, not imported, so that an edit of one model does not retrain the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hepdensity.models.base import Trainable
    from hepdensity.models.layout import Layout


def build(builder: str, layout: Layout, seed: int, settings: Mapping[str, Any]) -> Trainable:
    """Build a model.

    Args:
        builder: "module:function"; the function takes `layout`, `seed` and the settings.
        layout: columns of the events.
        seed: seed of the initial weights.
        settings: further keyword arguments.

    Raises:
        ValueError: if there is no such builder, or it refuses the layout or a setting.
    """
    module, _, name = builder.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"no model builder {builder} ({error}): name it as module:function"
        ) from error
    model: Trainable = function(layout=layout, seed=seed, **settings)
    return model
