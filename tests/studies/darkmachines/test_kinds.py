"""The kind of model of the Dark Machines study."""

from typing import Any

import jsonschema
import pytest
from darkmachines_study import MODELS

from hepdensity.configuration import schema_problems
from hepdensity.models.kind import ABSENT, CATEGORICAL
from hepdensity.models.registry import builder_of, kinds_of, settings_of
from hepdensity.named import named_function
from hepdensity.studies.darkmachines.kinds import KINDS
from hepdensity.studies.darkmachines.layouts import layout_of

(KIND,) = KINDS
BLOCK = {key: value for key, value in MODELS["object-flow"].items() if key != "training"}
SCHEMA = {**KIND.schema(), "$defs": {"overrides": {"type": "object"}}}


def test_our_model_of_the_catalogue_is_valid() -> None:
    assert BLOCK["kind"] == KIND.name
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(schema_problems(BLOCK, SCHEMA)) == []
    assert list(KIND.problems(BLOCK)) == []


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no width": ({"width": 0}, "must be >= 1 [units], not 0"),
    "fraction": ({"hidden": 9.5}, "must be a whole number [units], not 9.5"),
    "negative": ({"blocks": -1}, "must be >= 0 [blocks], not -1"),
    "one bin": ({"bins": 1}, "must be >= 2 and <= 500 [bins], not 1"),
    "too many bins": ({"bins": 501}, "must be >= 2 and <= 500 [bins], not 501"),
    "another setting": ({"permutation": "sort"}, "unknown key"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=list(BAD))
def test_bad_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    ((place, told),) = schema_problems({**BLOCK, **changes}, SCHEMA)
    assert place == tuple(changes)
    assert told.startswith(message)


@pytest.mark.parametrize("key", sorted(KIND.required))
def test_missing_setting_is_named(key: str) -> None:
    block = {name: value for name, value in BLOCK.items() if name != key}
    assert list(schema_problems(block, SCHEMA)) == [((key,), "this key is missing")]


def test_it_is_symmetric_exact_and_ours() -> None:
    assert KIND.symmetric(BLOCK) and KIND.exact
    assert KIND.family == "ours"
    assert KIND.needs == KIND.takes == {CATEGORICAL, ABSENT}


@pytest.mark.parametrize("heads", [1, 4])
def test_builder_takes_the_settings(heads: int) -> None:
    model = built({"width": 8, "hidden": 8, "blocks": 1, "bins": 4, "attention_heads": heads})
    assert sum(weights.numel() for weights in model.parameters()) > 0


def test_heads_divide_the_width() -> None:
    with pytest.raises(ValueError, match="5"):
        built({"width": 8, "attention_heads": 5})


def built(changes: dict[str, Any]) -> Any:
    block = {**BLOCK, **changes}
    settings = settings_of(kinds_of("darkmachines")["object-flow"], block, {})
    build = named_function(builder_of(KIND, block))
    return build(layout=layout_of("mass", 3), seed=1, **settings)
