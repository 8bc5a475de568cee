"""Kind `dequantisation`: each category becomes a continuous latent column."""

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
    "uniform": Look("dequantisation, uniform", "#ff9da7", "o"),
    "flow": Look("dequantisation, flow", "#a0001e", "s"),
}


def _look(settings: Settings) -> Look:
    return _LOOKS[settings["noise"]]


KIND = Kind(
    name="dequantisation",
    builder="hepdensity.models.flows.discrete:dequantisation_flow",
    settings={"permutation": PERMUTATION, "noise": NOISE, "auxiliary": AUXILIARY, **SIZES},
    required=frozenset({"permutation", "noise"}),
    needs=frozenset({CATEGORICAL}),
    takes=frozenset({CATEGORICAL, ABSENT}),
    exact=False,
    look=_look,
)
