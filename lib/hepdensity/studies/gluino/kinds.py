"""Kinds of model of the gluino study: flows in the coordinates of phase space."""

from collections.abc import Callable, Iterator

from hepdensity.models.kind import CATEGORICAL, SIZES, Kind, Look, Schema, Settings

_ORDERS_OF_CHART = {"plain": 24, "sequential": 12, "paired": 3}
_WIDTH: Schema = {"unit": "units", "type": "integer", "minimum": 1}
_CHART: dict[str, Schema] = {
    "chart": {
        "description": "Coordinates of phase space, which differ in the symmetries they divide out",
        "unit": "1",
        "enum": ["paired", "sequential", "plain"],
    },
    "orders_per_event": {
        "description": "Orders of the gluinos over which the loss averages for each event",
        "unit": "orders",
        "type": "integer",
        "minimum": 1,
        "maximum": 24,
    },
}


def _look(label: str) -> Callable[[Settings], Look]:
    return lambda settings: Look(label, "#008060", "v")


def _problems(settings: Settings) -> Iterator[tuple[str, str]]:
    chart = settings["chart"]
    if settings["orders_per_event"] > _ORDERS_OF_CHART[chart]:
        yield "orders_per_event", f"chart {chart} has only {_ORDERS_OF_CHART[chart]} orders"


KINDS = (
    Kind(
        name="phase-space",
        builder="hepdensity.studies.gluino.models.phase_space_flow:phase_space_flow",
        settings={**_CHART, **SIZES},
        required=frozenset(_CHART),
        family="ours",
        symmetric=lambda settings: True,
        look=_look("phase space (ours)"),
        problems=_problems,
    ),
    Kind(
        name="phase-space-labels",
        builder=(
            "hepdensity.studies.gluino.models.labelled_phase_space_flow:labelled_phase_space_flow"
        ),
        settings={
            **_CHART,
            **SIZES,
            "helicity_width": {"description": "Hidden units for the helicities", **_WIDTH},
            "colour_width": {"description": "Hidden units for the colours", **_WIDTH},
            "colour_terms": {
                **_WIDTH,
                "description": "Combinations of spin structures in an amplitude",
                "unit": "combinations",
            },
            "mass": {
                "description": (
                    "Gluino mass that the features of the labels assume; by default the mass of"
                    " the events"
                ),
                "unit": "sqrt(s)",
                "type": "number",
                "minimum": 0,
                "exclusiveMaximum": 0.25,
            },
        },
        required=frozenset(_CHART),
        needs=frozenset({CATEGORICAL}),
        takes=frozenset({CATEGORICAL}),
        family="ours",
        symmetric=lambda settings: True,
        look=_look("phase space, labels (ours)"),
        problems=_problems,
    ),
)
