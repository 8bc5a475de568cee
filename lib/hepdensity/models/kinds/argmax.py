"""Kind `argmax`: each category becomes continuous latent columns."""

from hepdensity.models.kind import (
    ABSENT,
    AUXILIARY,
    CATEGORICAL,
    NOISE,
    PERMUTATION,
    SIZES,
    Kind,
    Look,
    Settings,
)

_LOOKS = {
    "uniform": Look("argmax, uniform", "#8ab4ff", "^"),
    "flow": Look("argmax, flow", "#1f5fd6", "D"),
}


def _look(settings: Settings) -> Look:
    return _LOOKS[settings["noise"]]


KIND = Kind(
    name="argmax",
    builder="hepdensity.models.flows.discrete:argmax_flow",
    settings={"permutation": PERMUTATION, "noise": NOISE, "auxiliary": AUXILIARY, **SIZES},
    required=frozenset({"permutation", "noise"}),
    needs=frozenset({CATEGORICAL}),
    takes=frozenset({CATEGORICAL, ABSENT}),
    exact=False,
    look=_look,
)
