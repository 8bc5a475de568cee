"""Kind `classifier`: a flow of the continuous columns, and categories given these columns."""

from hepdensity.models.kind import (
    ABSENT,
    BASE,
    CATEGORICAL,
    PERMUTATION,
    SIZES,
    Kind,
    Look,
    Settings,
)


def _look(settings: Settings) -> Look:
    return Look("classifier", "#964a8b", "8")


KINDS = (
    Kind(
        name="classifier",
        builder="hepdensity.models.classifier:classified_flow",
        settings={
            "permutation": PERMUTATION,
            "hidden": {
                "description": "Widths of the hidden layers",
                "unit": "units",
                "type": "array",
                "minItems": 1,
                "items": {"type": "integer", "minimum": 1},
            },
            "base": BASE,
            **SIZES,
        },
        required=frozenset({"permutation"}),
        needs=frozenset({CATEGORICAL}),
        takes=frozenset({CATEGORICAL, ABSENT}),
        look=_look,
    ),
)
