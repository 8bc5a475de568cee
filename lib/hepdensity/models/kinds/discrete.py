"""Kinds `dequantisation` and `argmax`: each category becomes continuous latent columns."""

from collections.abc import Mapping

from hepdensity.models.kind import (
    ABSENT,
    AUXILIARY,
    BASE,
    CATEGORICAL,
    NOISE,
    PERMUTATION,
    SIZES,
    Kind,
    Look,
)


def _kind(name: str, looks: Mapping[str, Look]) -> Kind:
    return Kind(
        name=name,
        builder=f"hepdensity.models.flows.discrete:{name}_flow",
        settings={
            "permutation": PERMUTATION,
            "noise": NOISE,
            "auxiliary": AUXILIARY,
            "base": BASE,
            **SIZES,
        },
        required=frozenset({"permutation", "noise"}),
        needs=frozenset({CATEGORICAL}),
        takes=frozenset({CATEGORICAL, ABSENT}),
        exact=False,
        look=lambda settings: looks[settings["noise"]],
    )


KINDS = (
    _kind(
        "dequantisation",
        {
            "uniform": Look("dequantisation, uniform", "#ff9da7", "o"),
            "flow": Look("dequantisation, flow", "#a0001e", "s"),
        },
    ),
    _kind(
        "argmax",
        {
            "uniform": Look("argmax, uniform", "#8ab4ff", "^"),
            "flow": Look("argmax, flow", "#1f5fd6", "D"),
        },
    ),
)
