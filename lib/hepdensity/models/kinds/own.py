"""Kind `own`: a model that a function of the user builds; its block names the function."""

from hepdensity.models.kind import ABSENT, CATEGORICAL, Kind, Look, Settings

OWN = "own"


def _look(settings: Settings) -> Look:
    # The registry sets the name, colour and marker of each of these models.
    return Look("", "", "")


KINDS = (
    Kind(
        name=OWN,
        builder="",
        settings={
            "builder": {
                "description": (
                    "module:function that builds the model, for instance"
                    " hepdensity.models.flows.mine:build; called with layout, seed and the settings"
                ),
                "unit": "1",
                "type": "string",
                "pattern": r"^hepdensity(\.[A-Za-z_]\w*)+:[A-Za-z_]\w*$",
            },
            "settings": {
                "description": "Keyword arguments of the builder",
                "unit": "1",
                "type": "object",
            },
        },
        required=frozenset({"builder"}),
        takes=frozenset({CATEGORICAL, ABSENT}),
        family="ours",
        exact=None,
        symmetric=lambda settings: (
            settings.get("settings", {}).get("permutation") in ("stochastic", "sort")
        ),
        look=_look,
    ),
)
