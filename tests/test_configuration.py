"""The configuration from presets, files and the command line, and what is rejected."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hepdensity.configuration import (
    ConfigurationError,
    effective_configuration,
    load_yaml,
    overlay,
    parsed,
    results_folder,
    study_names,
)

REPOSITORY = Path(__file__).resolve().parents[1]
WORKFLOW = REPOSITORY / "workflow"
PRESETS = ["smoke", "quick", "long", "paper"]


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
        if "$ref" in below:
            continue
        yield f"{where}{key}", below
        yield from described(below, f"{where}{key}.")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from described(schema["additionalProperties"], f"{where}*.")


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid(preset: str) -> None:
    assert configured({"preset": preset})["preset"] == preset


def test_preset_files_and_schema_agree() -> None:
    files = sorted(path.stem for path in (WORKFLOW / "presets").glob("*.yaml"))
    assert files == sorted([*PRESETS, "common"])
    for study in study_names(WORKFLOW):
        sections = load(f"workflow/studies/{study}/presets.yaml")
        assert sorted(sections) == sorted([*PRESETS, "common"])
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


@pytest.mark.parametrize("name", ["run #1/e.lhe", "a: b", "{x}.lhe", "[1, 2].lhe", "2026-11-26"])
def test_text_that_looks_like_yaml_stays_text(name: str) -> None:
    assert parsed({"files": [name]}) == {"files": [name]}


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


def test_section_of_comments_alone_changes_nothing() -> None:
    assert overlay({"a": {"b": 1}, "c": 2}, {"a": None, "c": None}) == {"a": {"b": 1}, "c": None}


def test_results_are_named_after_the_run_or_the_preset() -> None:
    assert results_folder(configured({})) == "results/quick"
    assert results_folder(configured({"run": "mine"})) == "results/mine"


def test_study_that_is_not_chosen_is_not_looked_at(tmp_path: Path) -> None:
    directory = tmp_path / "workflow"
    for part in ("schemas", "presets", "studies"):
        (directory / part).mkdir(parents=True)
        for path in (WORKFLOW / part).rglob("*.yaml"):
            copied = directory / path.relative_to(WORKFLOW)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(path.read_text())
    (directory / "studies" / "absent").mkdir()
    (directory / "studies" / "absent" / "schema.yaml").write_text("not: a schema")
    given = {**load("config.yaml"), "absent": {"anything": 1}}
    effective = effective_configuration(given, {}, directory)
    assert "absent" not in effective
    with pytest.raises(ConfigurationError, match=r"^banana: unknown key"):
        effective_configuration({**given, "banana": 1}, {}, directory)


TWICE = {
    "top level": (
        "preset: quick\nrun: null\npreset: smoke\n",
        r"line 3: the key 'preset' .* line 1",
    ),
    "section": ("gluino:\n  mass: 1\n  seed: 2\n  mass: 3\n", r"line 4: the key 'mass' .* line 2"),
    "flow style": ("a: {b: 1, b: 2}\n", r"line 1: the key 'b'"),
}


@pytest.mark.parametrize(("text", "message"), TWICE.values(), ids=list(TWICE))
def test_key_given_twice_is_refused_with_its_lines(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=rf"mine.yaml: {message}"):
        effective_configuration({}, {}, WORKFLOW, [path])


def test_merged_keys_are_not_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n")
    assert load_yaml(path)["b"] == {"x": 3, "y": 2}


def test_broken_yaml_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("a: [1\nb: 2\n")
    with pytest.raises(ConfigurationError, match=r"mine.yaml: invalid YAML") as error:
        load_yaml(path)
    assert "\n" not in str(error.value)


UNLIMITED = {"max_validations": None, "max_steps": None, "max_seconds": None}
REFUSED = {
    "unknown key": ("banana", 1, r"^banana: unknown key; Allowed here: preset, run, studies"),
    "misspelt key": ("training.batchsize", 5, r"^training.batchsize: .*mean 'batch_size'\?"),
    "misspelt key of a model": ("gluino.models.none.permutaton", "none", "mean 'permutation'"),
    "unknown preset": ("preset", "huge", "^preset: must be one of smoke, quick, long, paper"),
    "no preset": ("preset", None, "^preset: must be one of .* not null"),
    "text for a number": ("gluino.mass", "heavy", r"must be a finite number \[GeV\], not 'heavy'"),
    "number without dot": ("training.learning_rate", "1e-3", "the dot and the sign .* 1.0e-3"),
    "not a number": ("gluino.mass", float("nan"), r"a finite number \[GeV\], not nan"),
    "infinite": ("gluino.sqrt_s", float("inf"), r"a finite number \[GeV\], not inf"),
    "infinite time": (
        "training.max_seconds",
        float("inf"),
        r"a finite number or null \[s\], not inf",
    ),
    "beyond floating point": ("gluino.sqrt_s", 10**400, "a finite number"),
    "boolean for a number": ("gluino.sqrt_s", True, "a finite number .* not True"),
    "too many bins": ("gluino.flow.bins", 501, r"must be >= 2 and <= 500 \[bins\], not 501"),
    "unknown device": ("devices.generation", "gpu", "must be one of auto, cpu, cuda, not 'gpu'"),
    "fraction for a count": (
        "gluino.datasets.angles.n_train",
        [5000.0],
        r"^gluino.datasets.angles.n_train.0: must be a whole number",
    ),
    "boolean for a count": ("gluino.split.test", True, "must be a whole number .* not True"),
    "null for a count": ("gluino.split.test", None, "must be a whole number .* not null"),
    "value for a section": ("gluino.flow", 8, "^gluino.flow: must be a section"),
    "value for a list": ("gluino.datasets.labels.seeds", 1, r"labels.seeds: must be a list"),
    "too small": ("gluino.sqrt_s", -1, r"must be > 0 \[GeV\], not -1"),
    "too large": ("gluino.alpha_s", 1.5, r"must be > 0 and <= 1, not 1.5"),
    "unknown choice": (
        "gluino.models.none.permutation",
        "shuffle",
        "one of none, stochastic, sort",
    ),
    "unknown source": ("gluino.source", "root", "one of embedded, lhe, csv"),
    "empty list": ("gluino.datasets.angles.seeds", [], r"angles.seeds: must not be empty"),
    "repeated": ("gluino.datasets.angles.seeds", [1, 1], "the same entry twice"),
    "model name": (
        "gluino.models.A/B",
        {"kind": "flow", "permutation": "none"},
        "lower-case letters",
    ),
    "reserved name": ("gluino.models.truth", {"kind": "flow", "permutation": "none"}, "lower-case"),
    "missing setting of a kind": (
        "gluino.models.x",
        {"kind": "flow"},
        r"x.permutation: this key is missing \(kind flow\)",
    ),
    "setting of another kind": (
        "gluino.models.x",
        {"kind": "flow", "permutation": "none", "chart": "paired"},
        r"^gluino.models.x.chart: unknown key; .* \(kind flow\)",
    ),
    "orders of a chart": (
        "gluino.models.phase-space.orders_per_event",
        4,
        "chart paired has only 3 orders",
    ),
    "reserved ending": (
        "gluino.models.a-symmetrised",
        {"kind": "flow"},
        "do not end in -symmetrised",
    ),
    "no such model": (
        "gluino.datasets.angles.models",
        ["bigger"],
        "'bigger' is not in gluino.models",
    ),
    "too few events": (
        "gluino.generation.four_gluino.events",
        59999,
        "must be >= 60000 .*datasets.angles.n_train.*not 59999",
    ),
    "too few events of two gluinos": (
        "gluino.generation.two_gluino.events",
        5999,
        r"must be >= 6000 .*datasets.multiplicity.n_train.*each / 10\), not 5999",
    ),
    "model of other events": (
        "gluino.datasets.labels.models",
        ["sort"],
        r"^gluino.datasets.labels.models: 'sort' .* cannot take events with categorical columns",
    ),
    "unknown kind": ("gluino.models.x", {"kind": "magic"}, "models.x.kind: must be one of .*flow"),
    "unknown study": ("studies", ["gluon"], "^studies.0: must be one of .*gluino.*, not 'gluon'"),
    "name of a run": ("run", "../elsewhere", "^run: has the wrong form"),
    "nothing to do": (
        "gluino.datasets",
        {part: {"models": []} for part in ("angles", "multiplicity", "labels")},
        "^gluino.datasets: no dataset with events has models",
    ),
    "too few test events": (
        "gluino.split.test",
        399,
        r"^gluino.split.test: must be >= 400 \(40 of each process",
    ),
    "weights that do not sum to one": (
        "gluino.models.dropout-balanced-sort.objective",
        [0.5, 0.6],
        r"^gluino.models.dropout-balanced-sort.objective: weights must be >= 0 and sum to 1",
    ),
    "negative weight": (
        "gluino.models.dropout-balanced-sort.objective",
        [-0.5, 1.5],
        "must be >= 0",
    ),
    "too few weights": (
        "gluino.models.dropout-balanced-sort.objective",
        [1.0],
        "at least 2 entries, not 1",
    ),
    "weights of categories": (
        "gluino.models.mixture-balanced-sort.objective",
        [0.5, 0.5],
        "must be one of likelihood, balanced",
    ),
    "unknown objective": (
        "gluino.models.mixture-balanced-sort.objective",
        "biased",
        "must be one of likelihood, balanced, not 'biased'",
    ),
    "builder of no module": (
        "gluino.models.x",
        {"kind": "own", "builder": "mine"},
        "has the wrong form: 'mine'",
    ),
    "endless for one model": (
        "gluino.models.none.training",
        {"threshold_mode": "rel", "max_validations": None, "max_steps": None},
        "may never end",
    ),
    "below threshold": ("gluino.sqrt_s", 2400.0, "exceed 4 x gluino.mass = 2430.85"),
    "endless": (
        "gluino.datasets.angles.training",
        {**UNLIMITED, "threshold_mode": "rel"},
        "^training: .* may never end",
    ),
    "no LHE file": ("gluino.source", "lhe", "gluino.lhe.four_gluino: no file is given"),
    "no CSV file": ("gluino.source", "csv", "gluino.csv.four_gluino: no file is given"),
    "missing LHE file": (
        "gluino",
        {"source": "lhe", "lhe": {"four_gluino": ["gone.lhe"]}},
        "gluino.lhe.four_gluino: .*gone.lhe",
    ),
    "missing CSV file": (
        "gluino",
        {"source": "csv", "csv": {"four_gluino": "gone.csv"}},
        "gluino.csv.four_gluino: .*gone.csv",
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


def test_missing_key_is_named() -> None:
    given = {**load("config.yaml"), "gluino": {"flow": {"layers": None}}}
    with pytest.raises(ConfigurationError, match=r"^gluino.flow.layers: must be a whole number"):
        effective_configuration(given, {}, WORKFLOW)


SCHEMAS = {
    "shared": load("workflow/schemas/config.schema.yaml"),
    **{name: load(f"workflow/studies/{name}/schema.yaml") for name in study_names(WORKFLOW)},
}


@pytest.mark.parametrize(
    ("path", "schema"),
    [pair for name, schema in SCHEMAS.items() for pair in described(schema, f"{name}.")]
    + list(described({"properties": SCHEMAS["shared"]["$defs"]})),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_key_has_description_and_unit(path: str, schema: dict[str, Any]) -> None:
    assert schema["description"]
    assert schema["unit"]
    # Settings of a model are described by its kind.
    if schema.get("type") == "object" and not path.endswith("models.*"):
        assert "additionalProperties" in schema
        assert schema["additionalProperties"] is not True
