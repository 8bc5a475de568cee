"""Kind `set-classifier`: a transformer that tells two kinds of events apart; it has no density."""

from hepdensity.models.kind import ABSENT, CATEGORICAL, Kind, Look, Settings


def _problems(settings: Settings) -> list[tuple[str, str]]:
    width, heads = settings.get("width"), settings.get("attention_heads")
    if width is not None and heads is not None and width % heads:
        return [("attention_heads", f"must divide width ({width}), but is {heads}")]
    return []


KINDS = (
    Kind(
        name="set-classifier",
        builder="hepdensity.models.set_classifier:set_classifier",
        settings={
            "width": {
                "description": "Width of the states of the particles",
                "unit": "units",
                "type": "integer",
                "minimum": 1,
            },
            "blocks": {
                "description": "Transformer blocks",
                "unit": "blocks",
                "type": "integer",
                "minimum": 1,
            },
            "attention_heads": {
                "description": "Attention heads of each block; they divide the width",
                "unit": "1",
                "type": "integer",
                "minimum": 1,
            },
        },
        needs=frozenset({CATEGORICAL}),
        takes=frozenset({CATEGORICAL, ABSENT}),
        exact=None,
        symmetric=lambda settings: True,
        problems=_problems,
        look=lambda settings: Look("classifier", "#717581", "X"),
    ),
)
