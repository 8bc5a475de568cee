"""The kinds of model that a configuration can name, their builders, settings and looks."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from hepdensity.models.kind import FLOW_SECTION, SIZES, Kind, Look
from hepdensity.models.registry import builder_of, kinds_of, looks, settings_of
from hepdensity.named import named_function

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = kinds_of()
STUDIES = sorted(path.parent.name for path in REPOSITORY.glob("workflow/studies/*/schema.yaml"))
KINDS = {
    **SHARED,
    **{f"{study}/{name}": kind for study in STUDIES for name, kind in kinds_of(study).items()},
}
BUILT = {name: kind for name, kind in KINDS.items() if kind.builder}


def test_shared_kinds_are_found() -> None:
    names = ["argmax", "classifier", "dequantisation", "dropout", "flow", "mixture", "own"]
    assert set(names) <= set(SHARED)
    assert all(kind.name == name for name, kind in SHARED.items())


def test_kinds_of_a_study_come_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind("strange", "module:function", {}, lambda settings: Look("", "", ""))
    package, module = ModuleType("hepdensity.studies.made_up"), ModuleType("kinds")
    package.__path__ = []
    module.KINDS = (kind,)  # type: ignore[attr-defined]
    module.__spec__ = object()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "hepdensity.studies.made_up", package)
    monkeypatch.setitem(sys.modules, "hepdensity.studies.made_up.kinds", module)
    assert kinds_of("made_up") == {**SHARED, "strange": kind}
    assert "strange" not in kinds_of()


def test_study_without_kinds_has_the_shared_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("hepdensity.studies.made_up")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "hepdensity.studies.made_up", package)
    assert kinds_of("made_up") == SHARED


# --- what each kind says ------------------------------------------------------------------------


def described(schema: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every setting with its path."""
    yield where, schema
    for key, below in schema.get("properties", {}).items():
        yield from described(below, f"{where}.{key}")


@pytest.mark.parametrize("name", KINDS)
def test_schema_is_valid_and_says_what_each_setting_means(name: str) -> None:
    kind = KINDS[name]
    schema = kind.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert kind.required <= set(kind.settings)
    assert schema["additionalProperties"] is False
    assert not {"kind", "training"} & set(kind.settings)
    for key, setting in kind.settings.items():
        for where, part in described(setting, key):
            for word in ("description", "unit"):
                assert isinstance(part.get(word), str) and part[word], f"{where}: {word}"


@pytest.mark.parametrize("name", KINDS)
def test_schema_is_closed_and_wants_what_is_required(name: str) -> None:
    kind = KINDS[name]
    schema = {**kind.schema(), "$defs": {"overrides": {"type": "object"}}}
    errors = {error.validator for error in schema_errors(schema, {"unknown": 1})}
    assert errors == {"additionalProperties", "required"}
    missing = [error.message for error in schema_errors(schema, {})]
    assert len(missing) == 1 + len(kind.required)


def schema_errors(schema: Mapping[str, Any], block: Mapping[str, Any]) -> list[Any]:
    return list(jsonschema.Draft202012Validator(schema).iter_errors(block))


def test_section_of_sizes_has_them_all() -> None:
    jsonschema.Draft202012Validator.check_schema(FLOW_SECTION)
    assert set(FLOW_SECTION["required"]) == set(SIZES)


@pytest.mark.parametrize("name", KINDS)
def test_events_that_a_kind_needs_are_among_those_it_takes(name: str) -> None:
    assert KINDS[name].needs <= KINDS[name].takes
    assert KINDS[name].family in ("paper", "ours")


@pytest.mark.parametrize("name", BUILT)
def test_builders_exist(name: str) -> None:
    module, _, function = BUILT[name].builder.partition(":")
    path = REPOSITORY / "lib" / Path(*module.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", BUILT)
def test_builders_take_the_settings_of_their_kind(name: str) -> None:
    kind = BUILT[name]
    parameters = inspect.signature(named_function(kind.builder)).parameters
    assert {"layout", "seed"} <= set(parameters)
    open_ended = {key for key, one in parameters.items() if one.kind is one.VAR_KEYWORD}
    taken = set(parameters) | (set(SIZES) if open_ended else set())
    assert set(kind.settings) <= taken
    wanted = {key for key, one in parameters.items() if one.default is one.empty} - open_ended
    assert wanted - {"layout", "seed"} <= kind.required | set(SIZES)


# --- builders and settings of models ------------------------------------------------------------


def test_builder_is_that_of_the_kind_or_of_the_block() -> None:
    assert builder_of(SHARED["flow"], {"kind": "flow"}) == SHARED["flow"].builder
    own = {"kind": "own", "builder": "hepdensity.models.mine:build"}
    assert builder_of(SHARED["own"], own) == "hepdensity.models.mine:build"


def test_settings_of_a_block_win_over_the_defaults() -> None:
    block = {"kind": "flow", "permutation": "sort", "bins": 8, "training": {"max_steps": 1}}
    defaults = {"bins": 16, "layers": 4, "unknown": 1}
    settings = settings_of(SHARED["flow"], block, defaults)
    assert settings == {"permutation": "sort", "bins": 8, "layers": 4}
    assert block["training"] == {"max_steps": 1} and defaults["bins"] == 16


def test_own_model_gets_its_settings_alone() -> None:
    block = {"kind": "own", "builder": "m:f", "settings": {"width": 3}, "training": {}}
    assert settings_of(SHARED["own"], block, {"bins": 16}) == {"width": 3}
    assert settings_of(SHARED["own"], {"kind": "own", "builder": "m:f"}, {"bins": 16}) == {}


# --- looks --------------------------------------------------------------------------------------

BLOCKS: dict[str, dict[str, Any]] = {
    "none": {"kind": "flow", "permutation": "none"},
    "sort": {"kind": "flow", "permutation": "sort"},
    "mixture-sort": {"kind": "mixture", "permutation": "sort", "objective": "balanced"},
    "mixture-none": {"kind": "mixture", "permutation": "none", "objective": "balanced"},
    "argmax": {"kind": "argmax", "permutation": "sort", "noise": "flow"},
    "weights": {"kind": "dropout", "permutation": "sort", "objective": [0.25, 0.75]},
    "mine": {"kind": "own", "builder": "m:f"},
    "yours": {"kind": "own", "builder": "m:f"},
}


def looks_of(blocks: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Look, Look]]:
    return looks(list(blocks), blocks, SHARED)


def test_labels_of_models() -> None:
    labels = {name: look.label for name, (look, _) in looks_of(BLOCKS).items()}
    assert labels == {
        "none": "no permutation",
        "sort": "sort surjection",
        "mixture-sort": "mixture, balanced, sort",
        "mixture-none": "mixture, balanced, none",
        "argmax": "argmax, flow, sort",
        "weights": "dropout, weights 0.25, 0.75, sort",
        "mine": "mine",
        "yours": "yours",
    }


def test_treatment_is_that_of_all_permutations() -> None:
    found = looks_of(BLOCKS)
    assert found["mixture-sort"][1] == found["mixture-none"][1]
    assert found["mixture-sort"][1].label == "mixture, balanced"
    assert found["mixture-sort"][0].colour == found["mixture-sort"][1].colour


@pytest.mark.parametrize("name", ["sort", "none", "stochastic", "phase-space", "banana"])
def test_looks_follow_settings_and_not_names(name: str) -> None:
    (renamed, _) = looks_of({name: BLOCKS["sort"]})[name]
    assert renamed == looks_of(BLOCKS)["sort"][0]
    assert renamed.label == "sort surjection"


def test_order_of_settings_and_other_models_do_not_matter() -> None:
    turned = {key: BLOCKS["argmax"][key] for key in reversed(BLOCKS["argmax"])}
    assert (
        looks_of({"mine": BLOCKS["mine"], "argmax": turned})["argmax"]
        == (looks_of(BLOCKS)["argmax"])
    )


def test_models_alike_get_different_looks() -> None:
    blocks = {name: {**BLOCKS["sort"], "bins": bins} for bins, name in enumerate("abc", start=4)}
    shown = [look for look, _ in looks_of(blocks).values()]
    assert [look.label for look in shown] == [
        "sort surjection",
        "sort surjection (b)",
        "sort surjection (c)",
    ]
    assert len({(look.colour, look.marker) for look in shown}) == 3


def test_models_alike_differ_where_treatments_are_shown() -> None:
    blocks = {name: {**BLOCKS["argmax"], "bins": bins} for bins, name in enumerate("ab", start=4)}
    treatments = [treatment for _, treatment in looks_of(blocks).values()]
    assert len({look.label for look in treatments}) == 2
    assert len({look.colour for look in treatments}) == 2


def test_dropout_models_of_different_weights_look_different() -> None:
    blocks = {
        name: {**BLOCKS["weights"], "objective": weights}
        for name, weights in (("a", [0.25, 0.75]), ("b", [0.5, 0.5]))
    }
    treatments = [treatment for _, treatment in looks_of(blocks).values()]
    assert len({look.label for look in treatments}) == 2
    assert len({(look.colour, look.marker) for look in treatments}) == 2


def test_own_models_have_looks_of_their_own() -> None:
    count = 35
    blocks = {f"model_{i}": BLOCKS["mine"] for i in range(count)}
    mine = [look for look, _ in looks_of({**BLOCKS, **blocks}).values()]
    own = mine[-count:]
    assert [look.label for look in own] == list(blocks)
    assert len({(look.colour, look.marker) for look in own}) == count
    first = own[:5]
    assert len({look.colour for look in first}) == len({look.marker for look in first}) == 5
    known = [look for name, (look, _) in looks_of(BLOCKS).items() if BLOCKS[name]["kind"] != "own"]
    assert not {look.colour for look in own} & {look.colour for look in known}
    assert not {look.marker for look in own} & {look.marker for look in known}
