"""What configuration comes out of preset, file and command line, and what is refused."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hepdensity.configuration import (
    ConfigurationError,
    data_of,
    effective_configuration,
    files_of,
    overlay,
    parsed,
)

REPOSITORY = Path(__file__).resolve().parents[1]
WORKFLOW = REPOSITORY / "workflow"
PRESETS = ["smoke", "quick", "study", "paper"]


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / name).read_text())
    return loaded


def configured(given: dict[str, Any], **command_line: Any) -> dict[str, Any]:
    return effective_configuration(overlay(load("config.yaml"), given), command_line, WORKFLOW)


def nested(path: str, value: Any) -> dict[str, Any]:
    """`value` under the dotted key path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)


def described(schema: dict[str, Any], where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of the schema with its path."""
    for key, below in schema.get("properties", {}).items():
        yield f"{where}{key}", below
        yield from described(below, f"{where}{key}.")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from described(schema["additionalProperties"], f"{where}*.")


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid(preset: str) -> None:
    assert configured({"preset": preset})["preset"] == preset


def test_preset_files_and_schema_agree() -> None:
    assert sorted(PRESETS) == sorted(path.stem for path in (WORKFLOW / "presets").glob("*.yaml"))
    assert load("workflow/schemas/config.schema.yaml")["properties"]["preset"]["enum"] == PRESETS


def test_user_wins_over_preset_and_command_line_over_both() -> None:
    assert configured({})["training"]["max_steps"] == 500
    in_file = {"training": {"max_steps": 7}}
    assert configured(in_file)["training"]["max_steps"] == 7
    both = configured(in_file, training={"max_steps": "9"})
    assert both["training"]["max_steps"] == 9
    assert both["training"]["batch_size"] == 2500


def test_values_of_the_command_line_get_their_types() -> None:
    text = {"a": "1", "b": "1.0e-3", "c": "null", "d": ["2", "true"], "e": "quick", "f": "[1"}
    assert parsed(text) == {"a": 1, "b": 1e-3, "c": None, "d": [2, True], "e": "quick", "f": "[1"}


def test_order_of_keys_means_nothing_and_of_lists_something() -> None:
    one = overlay({"b": 1, "a": {"d": [2, 1], "c": 0}}, {"a": {"c": 3}})
    assert list(one) == ["a", "b"]
    assert one == {"a": {"c": 3, "d": [2, 1]}, "b": 1}
    assert list(one["a"]) == ["c", "d"]


def test_overlay_changes_neither_side() -> None:
    base, top = {"a": {"b": 1}}, {"a": {"c": 2}}
    kept = copy.deepcopy((base, top))
    overlay(base, top)
    assert (base, top) == kept


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_and_config_file_set_different_keys(preset: str) -> None:
    def leaves(section: dict[str, Any], where: str = "") -> set[str]:
        inner = ((f"{where}{key}", value) for key, value in section.items())
        sets = (leaves(v, f"{k}.") if isinstance(v, dict) else {k} for k, v in inner)
        return set().union(*sets)

    assert not leaves(load("config.yaml")) & leaves(load(f"workflow/presets/{preset}.yaml"))


UNLIMITED = {"max_validations": None, "max_steps": None, "max_seconds": None}
REFUSED = {
    "unknown key": ("banana", 1, r"^banana: unknown key; Allowed here: preset, gluino"),
    "misspelt key": ("training.batchsize", 5, r"^training.batchsize: .*mean 'batch_size'\?"),
    "misspelt key of a model": ("models.none.permutaton", "none", "mean 'permutation'"),
    "unknown preset": ("preset", "huge", "^preset: must be one of smoke, quick, study, paper"),
    "no preset": ("preset", None, "^preset: must be one of .* not null"),
    "text for a number": ("gluino.mass", "heavy", r"must be a finite number \[GeV\], not 'heavy'"),
    "number without dot": ("training.learning_rate", "1e-3", "wants numbers such as 1.0e-3"),
    "not a number": ("gluino.mass", float("nan"), r"a finite number \[GeV\], not nan"),
    "infinite": ("gluino.sqrt_s", float("inf"), r"a finite number \[GeV\], not inf"),
    "infinite time": (
        "training.max_seconds",
        float("inf"),
        r"a finite number or null \[s\], not inf",
    ),
    "beyond floating point": ("gluino.sqrt_s", 10**400, "a finite number"),
    "boolean for a number": ("gluino.sqrt_s", True, "a finite number .* not True"),
    "too many bins": ("flow.bins", 501, r"must be >= 2 and <= 500 \[bins\], not 501"),
    "unknown device": ("generation.device", "gpu", "must be one of auto, cpu, cuda, not 'gpu'"),
    "fraction for a count": (
        "grid.angles.n_train",
        [5000.0],
        r"^grid.angles.n_train.0: must be a whole number",
    ),
    "boolean for a count": ("split.test", True, "must be a whole number .* not True"),
    "null for a count": ("split.test", None, "must be a whole number .* not null"),
    "value for a section": ("flow", 8, "^flow: must be a section"),
    "value for a list": ("grid.labels.seeds", 1, "^grid.labels.seeds: must be a list"),
    "too small": ("gluino.sqrt_s", -1, r"must be > 0 \[GeV\], not -1"),
    "too large": ("gluino.alpha_s", 1.5, r"must be > 0 and <= 1, not 1.5"),
    "unknown choice": ("models.none.permutation", "shuffle", "one of none, stochastic, sort"),
    "unknown source": ("gluino.source", "root", "one of embedded, lhe, csv"),
    "empty list": ("grid.angles.seeds", [], r"^grid.angles.seeds: must not be empty"),
    "repeated": ("grid.angles.seeds", [1, 1], "must not repeat itself"),
    "model name": ("models.A/B", {"kind": "flow", "permutation": "none"}, "lower-case letters"),
    "reserved name": ("models.truth", {"kind": "flow", "permutation": "none"}, "lower-case"),
    "missing setting of a kind": ("models.x", {"kind": "flow"}, "kind flow needs it"),
    "setting of another kind": (
        "models.x",
        {"kind": "flow", "permutation": "none", "chart": "paired"},
        "kind flow has no such setting",
    ),
    "orders of a chart": ("models.phase-space.orders_per_event", 4, "chart paired has 3 orders"),
    "reserved ending": ("models.a-symmetrised", {"kind": "flow"}, "do not end in -symmetrised"),
    "no such model": ("grid.angles.models", ["bigger"], "'bigger' is not in the section models"),
    "too few events": (
        "generation.four_gluino.events",
        64999,
        "must be >= 65000 .*grid.angles.n_train.*not 64999",
    ),
    "too few events of two gluinos": (
        "generation.two_gluino.events",
        6499,
        r"must be >= 6500 .*grid.multiplicity.n_train.*each / 10\), not 6499",
    ),
    "model of other events": (
        "grid.labels.models",
        ["sort"],
        r"^grid.labels.models: 'sort' takes angles: put it in grid.angles.models",
    ),
    "nothing to do": (
        "grid",
        {part: {"models": []} for part in ("angles", "multiplicity", "labels")},
        "^grid: no part has a model",
    ),
    "too few test events": ("split.test", 399, r"^split.test: must be >= 400 \(40 of each process"),
    "weights that do not sum to one": (
        "models.dropout-balanced-sort.objective",
        [0.5, 0.6],
        r"^models.dropout-balanced-sort.objective: weights must be >= 0 and sum to 1",
    ),
    "negative weight": ("models.dropout-balanced-sort.objective", [-0.5, 1.5], "must be >= 0"),
    "too few weights": ("models.dropout-balanced-sort.objective", [1.0], "2 to 2 entries, not 1"),
    "weights of categories": (
        "models.mixture-balanced-sort.objective",
        [0.5, 0.5],
        "kind mixture takes no weights",
    ),
    "unknown objective": (
        "models.mixture-balanced-sort.objective",
        "biased",
        "must be one of likelihood, balanced, not 'biased'",
    ),
    "builder of no module": ("models.x", {"kind": "own", "builder": "mine"}, "form wanted: 'mine'"),
    "endless for one model": (
        "models.none.training",
        {"threshold_mode": "rel", "max_validations": None, "max_steps": None},
        "may never end",
    ),
    "below threshold": ("gluino.sqrt_s", 2400.0, "exceed 4 x gluino.mass = 2430.85"),
    "endless": ("training", {**UNLIMITED, "threshold_mode": "rel"}, "^training: .* may never end"),
    "no LHE file": ("gluino.source", "lhe", "gluino.lhe.four_gluino: no file given"),
    "no CSV file": ("gluino.source", "csv", "gluino.csv.four_gluino: no file given"),
    "missing LHE file": (
        "gluino",
        {"source": "lhe", "lhe": {"four_gluino": ["gone.lhe"]}},
        "gluino.lhe.four_gluino: no such file: gone.lhe",
    ),
    "missing CSV file": (
        "gluino",
        {"source": "csv", "csv": {"four_gluino": "gone.csv"}},
        "gluino.csv.four_gluino: no such file: gone.csv",
    ),
}


@pytest.mark.parametrize(("path", "value", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused_with_key_and_what_is_allowed(path: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as error:
        configured(nested(path, value))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "training",
    [UNLIMITED, {**UNLIMITED, "threshold_mode": "rel", "max_steps": 9}],
    ids=["stop rules end it", "steps end it"],
)
def test_training_without_limits_that_ends(training: dict[str, Any]) -> None:
    assert configured({"training": training})["training"]["max_validations"] is None


def test_events_that_a_model_takes() -> None:
    models = load("config.yaml")["models"]
    taken = {name: data_of(models[name]) for name in ("sort", "dropout-balanced-sort")}
    assert taken == {"sort": "angles", "dropout-balanced-sort": "multiplicity"}
    assert data_of(models["classifier-sort"]) == data_of({"kind": "own", "data": "labels"})


def test_missing_key_is_named() -> None:
    config = load("config.yaml")
    del config["gluino"]["seed"]
    with pytest.raises(ConfigurationError, match=r"^gluino.seed: this key is missing"):
        effective_configuration(config, {}, WORKFLOW)


def test_files_of_the_source() -> None:
    gluino = {"source": "lhe", "lhe": {"four_gluino": ["a", "b"]}, "csv": {"four_gluino": "c"}}
    assert files_of(gluino, "four_gluino") == ["a", "b"]
    assert files_of({**gluino, "source": "csv"}, "four_gluino") == ["c"]
    assert files_of(gluino, "two_gluino") == []
    assert files_of({**gluino, "source": "embedded"}, "four_gluino") == []


@pytest.mark.parametrize(
    ("path", "schema"),
    list(described(load("workflow/schemas/config.schema.yaml"))),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_key_has_description_and_unit(path: str, schema: dict[str, Any]) -> None:
    assert schema["description"]
    assert schema["unit"]
    if schema.get("type") == "object":
        assert "additionalProperties" in schema
        assert schema["additionalProperties"] is not True
