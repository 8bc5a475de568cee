"""Kind `diffusion`: diffusion or flow matching of event columns and of sets of particles.

Categories of particles are given to the fields; their own probability is exact.
"""

from hepdensity.models.kind import ABSENT, CATEGORICAL, Kind, Look, Schema, Settings

_LOOKS = {
    ("standard", "full"): Look("diffusion", "#3f90da", "o"),
    ("standard", "hollow"): Look("diffusion, block-hollow", "#7fb5e6", "v"),
    ("maximum-likelihood", "full"): Look("diffusion, maximum likelihood", "#bd1f01", "s"),
    ("maximum-likelihood", "hollow"): Look(
        "diffusion, maximum likelihood, block-hollow", "#e98b7b", "<"
    ),
    ("flow-matching", "full"): Look("flow matching", "#e76300", "D"),
    ("flow-matching", "hollow"): Look("flow matching, block-hollow", "#ffa90e", "^"),
}


def _look(settings: Settings) -> Look:
    return _LOOKS[settings["objective"], settings.get("network", "full")]


def _choice(description: str, *names: str) -> Schema:
    return {"description": description, "unit": "1", "enum": list(names)}


def _whole(description: str, unit: str, minimum: int = 1) -> Schema:
    return {"description": description, "unit": unit, "type": "integer", "minimum": minimum}


def _problems(settings: Settings) -> list[tuple[str, str]]:
    width, heads = settings.get("width"), settings.get("attention_heads")
    found = []
    if width is not None and heads is not None and width % heads:
        found.append(("attention_heads", f"must divide width ({width}), but is {heads}"))
    if settings.get("divergence") == "hollow" and settings.get("network", "full") != "hollow":
        found.append(("divergence", "'hollow' needs network 'hollow'"))
    return found


KINDS = (
    Kind(
        name="diffusion",
        builder="hepdensity.models.diffusion.density:set_density",
        settings={
            "objective": _choice(
                "Objective: diffusion with the velocity error (standard) or the bound on the"
                " likelihood (maximum-likelihood), or flow matching on linear paths",
                *("standard", "maximum-likelihood", "flow-matching"),
            ),
            "network": _choice(
                "Network of the particles: full (transformer), or hollow, whose divergence takes"
                " one reverse pass for each column of a particle",
                *("full", "hollow"),
            ),
            "width": _whole("Width of the states of the particles", "units"),
            "blocks": _whole("Attention blocks", "blocks", 0),
            "attention_heads": _whole("Attention heads of each block; they divide the width", "1"),
            "event_width": _whole("Width of the states of the event columns", "units"),
            "event_blocks": _whole("Residual blocks of the event columns", "blocks", 0),
            "solver": _choice(
                "Solver of the ODE: multistep (fixed steps, dense at the data) or adaptive",
                *("multistep", "adaptive"),
            ),
            "steps": _whole("Steps of the multistep solver", "steps"),
            "divergence": _choice(
                "Divergence: exact; hollow (the same value, for network hollow, and its default);"
                " or hutchinson (an estimate from random probes)",
                *("exact", "hollow", "hutchinson"),
            ),
            "probes": _whole("Probes for each evaluation, with divergence hutchinson", "probes"),
            "smoothing": {
                "description": "Events that are added to the count of each number of particles",
                "unit": "events",
                "type": "number",
                "exclusiveMinimum": 0,
            },
        },
        required=frozenset({"objective"}),
        takes=frozenset({ABSENT, CATEGORICAL}),
        family="ours",
        symmetric=lambda settings: True,
        problems=_problems,
        look=_look,
    ),
)
