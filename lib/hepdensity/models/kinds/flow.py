"""Kind `flow`: autoregressive splines on continuous columns."""

from hepdensity.models.kind import BASE, PERMUTATION, SIZES, Kind, Look, Settings

_LOOKS = {
    "none": Look("no permutation", "#e42536", "o"),
    "stochastic": Look("stochastic permutation", "#5790fc", "s"),
    "sort": Look("sort surjection", "#f89c20", "^"),
}


def _look(settings: Settings) -> Look:
    return _LOOKS[settings["permutation"]]


KINDS = (
    Kind(
        name="flow",
        builder="hepdensity.models.flows.flow:spline_flow",
        settings={"permutation": PERMUTATION, "base": BASE, **SIZES},
        required=frozenset({"permutation"}),
        look=_look,
    ),
)
