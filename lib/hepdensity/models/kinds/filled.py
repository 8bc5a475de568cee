"""Kind `filled`: noise far away from the data in place of absent particles."""

from hepdensity.models.kind import ABSENT, CATEGORICAL, PERMUTATION, SIZES, Kind, Look, Settings


def _look(settings: Settings) -> Look:
    return Look("noise for absent particles", "#3f9b3a", "D")


KINDS = (
    Kind(
        name="filled",
        builder="hepdensity.models.flows.filled:filled_flow",
        settings={"permutation": PERMUTATION, **SIZES},
        required=frozenset({"permutation"}),
        needs=frozenset({CATEGORICAL, ABSENT}),
        takes=frozenset({CATEGORICAL, ABSENT}),
        exact=False,
        look=_look,
    ),
)
