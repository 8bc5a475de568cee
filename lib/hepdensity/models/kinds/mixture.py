"""Kind `mixture`: categories, and a flow of the continuous columns given the category."""

from hepdensity.models.kind import (
    ABSENT,
    BASE,
    CATEGORICAL,
    EMBEDDING,
    PERMUTATION,
    SIZES,
    Kind,
    Look,
    Settings,
)

_LOOKS = {
    "likelihood": Look("mixture, likelihood", "#ff8a00", "h"),
    "balanced": Look("mixture, balanced", "#a85400", "H"),
}


def _look(settings: Settings) -> Look:
    return _LOOKS[settings["objective"]]


KINDS = (
    Kind(
        name="mixture",
        builder="hepdensity.models.flows.mixture:mixture_flow",
        settings={
            "permutation": PERMUTATION,
            "objective": {
                "description": "Equal weight for events (likelihood) or for categories (balanced)",
                "unit": "1",
                "enum": ["likelihood", "balanced"],
            },
            "embedding": EMBEDDING,
            "base": BASE,
            **SIZES,
        },
        required=frozenset({"permutation", "objective"}),
        needs=frozenset({CATEGORICAL}),
        takes=frozenset({CATEGORICAL, ABSENT}),
        look=_look,
    ),
)
