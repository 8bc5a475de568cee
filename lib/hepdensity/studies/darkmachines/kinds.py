"""Kinds of model of the Dark Machines study: our density of reconstructed events."""

from hepdensity.models.kind import ABSENT, CATEGORICAL, Kind, Look, Schema, Settings


def _units(description: str, unit: str = "units", minimum: int = 1) -> Schema:
    return {"description": description, "unit": unit, "type": "integer", "minimum": minimum}


def _look(settings: Settings) -> Look:
    return Look("object flow (ours)", "#008060", "v")


KINDS = (
    Kind(
        name="object-flow",
        builder="hepdensity.studies.darkmachines.models.object_flow:object_flow",
        settings={
            "width": _units("Width of the states of the attention network"),
            "blocks": _units("Attention blocks", "blocks", 0),
            "attention_heads": _units("Attention heads of each block; they divide the width", "1"),
            "hidden": _units("Hidden units of the network of each quantity"),
            "bins": {**_units("Bins of each spline", "bins", 2), "maximum": 500},
        },
        required=frozenset({"width", "blocks", "attention_heads", "hidden", "bins"}),
        needs=frozenset({CATEGORICAL, ABSENT}),
        takes=frozenset({CATEGORICAL, ABSENT}),
        family="ours",
        symmetric=lambda settings: True,
        look=_look,
    ),
)
