"""Kinds of model: their settings, the events they take, their names and looks.

Each kind has one record. The records are in modules that do not import torch, because the workflow
imports them every time it is parsed. `hepdensity.models.registry` finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Settings = Mapping[str, Any]
Schema = Mapping[str, Any]

CATEGORICAL = "categorical"
"""Feature of a dataset: events have categorical columns."""

ABSENT = "absent"
"""Feature of a dataset: particles may be absent."""


@dataclass(frozen=True)
class Look:
    """How a model appears in figures.

    Attributes:
        label: Its name in figures.
        colour: Its colour.
        marker: Its marker.
    """

    label: str
    colour: str
    marker: str

    def to_dict(self) -> dict[str, str]:
        """Plain values, for the params of a rule."""
        return asdict(self)


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        name: Its name in the configuration.
        builder: "module:function" that builds it (see `hepdensity.models.build`).
        settings: Setting -> JSON schema with description, unit and range.
        look: Look of a model with given settings, without its permutation treatment.
        needs: Features that a dataset must have.
        takes: Features that a dataset may have, including `needs`.
        required: Settings without a default.
        family: "paper" or "ours".
        exact: Whether the log-density of its samples is exact; None if only the model knows.
        symmetric: Whether samples with given settings are symmetric under permutations.
        problems: Conflicts between individually valid settings, as (setting, message).
    """

    name: str
    builder: str
    settings: Mapping[str, Schema]
    look: Callable[[Settings], Look]
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    family: str = "paper"
    exact: bool | None = True
    symmetric: Callable[[Settings], bool] = field(
        default=lambda settings: settings.get("permutation") in ("stochastic", "sort")
    )
    problems: Callable[[Settings], Iterable[tuple[str, str]]] = field(default=lambda settings: ())

    def schema(self) -> dict[str, Any]:
        """JSON schema of a model of this kind; `training` and `kind` belong to every model."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind", *sorted(self.required)],
            "properties": {**self.settings, "kind": {}, "training": {"$ref": "#/$defs/overrides"}},
        }


PERMUTATION: Schema = {
    "description": "Treatment of the permutation symmetry of the particles",
    "unit": "1",
    "enum": ["none", "stochastic", "sort"],
}
"""The treatments of Verheyen 2022 (arXiv:2205.01697)."""

SIZES: Mapping[str, Schema] = {
    "layers": {"description": "Spline layers", "unit": "layers", "type": "integer", "minimum": 1},
    "bins": {
        "description": 'Bins of each spline ("knots" in the paper); the minimum width is 1e-3',
        "unit": "bins",
        "type": "integer",
        "minimum": 2,
        "maximum": 500,
    },
    "residual_blocks": {
        "description": 'Residual blocks of each MADE ("MADE layers" in the paper)',
        "unit": "blocks",
        "type": "integer",
        "minimum": 0,
    },
    "units_per_dim": {
        "description": "Hidden units of each MADE per dimension of the data",
        "unit": "units",
        "type": "integer",
        "minimum": 1,
    },
}
"""Settings of an autoregressive spline flow; the section `flow` of a study sets the defaults."""

BASE: Schema = {
    "description": (
        "Base of a flow: uniform, or gaussian with splines within five standard deviations and the"
        " identity beyond them"
    ),
    "unit": "1",
    "enum": ["uniform", "gaussian"],
}

FLOW_SECTION: Schema = {
    "description": "Defaults of autoregressive spline flows, for models that set none",
    "unit": "1",
    "type": "object",
    "additionalProperties": False,
    "required": list(SIZES),
    "properties": {**SIZES, "base": BASE},
}
"""Schema of the section `flow` of a study, used as `#/$defs/flow`."""

EMBEDDING: Schema = {
    "description": "Width of the embedding of a category",
    "unit": "units",
    "type": "integer",
    "minimum": 1,
}

NOISE: Schema = {
    "description": "Noise on discrete features",
    "unit": "1",
    "enum": ["uniform", "flow"],
}

AUXILIARY: Schema = {
    "description": "Settings of the noise flow that differ from those of the paper's code",
    "unit": "1",
    "type": "object",
    "additionalProperties": False,
    "properties": {**SIZES, "embedding": EMBEDDING},
}
