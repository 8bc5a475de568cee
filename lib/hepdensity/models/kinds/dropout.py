"""Kind `dropout`: one flow for events in which particles may be absent."""

import math
from collections.abc import Iterator

from hepdensity.models.kind import ABSENT, BASE, EMBEDDING, PERMUTATION, SIZES, Kind, Look, Settings

_NAMES = ("likelihood", "balanced")
_LOOKS = {
    "likelihood": Look("dropout, likelihood", "#e42536", "o"),
    "balanced": Look("dropout, balanced", "#5790fc", "s"),
}


def _look(settings: Settings) -> Look:
    objective = settings["objective"]
    if isinstance(objective, str):
        return _LOOKS[objective]
    weights = ", ".join(f"{weight:g}" for weight in objective)
    return Look(f"dropout, weights {weights}", "#964a8b", "D")


def _problems(settings: Settings) -> Iterator[tuple[str, str]]:
    objective = settings["objective"]
    if isinstance(objective, str):
        if objective not in _NAMES:
            yield "objective", f"must be one of {', '.join(_NAMES)}, not {objective!r}"
    elif min(objective) < 0 or not math.isclose(sum(objective), 1, abs_tol=1e-6):
        yield "objective", f"weights must be >= 0 and sum to 1, not {objective}"


KINDS = (
    Kind(
        name="dropout",
        builder="hepdensity.models.flows.dropout:dropout_flow",
        settings={
            "permutation": PERMUTATION,
            "objective": {
                "description": (
                    "likelihood, balanced, or the weight of each set of particles that may be"
                    " present; weights are >= 0 and sum to 1"
                ),
                "unit": "1",
                "type": ["string", "array"],
                "items": {"type": "number"},
                "minItems": 2,
            },
            "embedding": EMBEDDING,
            "base": BASE,
            **SIZES,
        },
        required=frozenset({"permutation", "objective"}),
        needs=frozenset({ABSENT}),
        takes=frozenset({ABSENT}),
        look=_look,
        problems=_problems,
    ),
)
