"""The configuration of a run: preset, user's file and command line, laid over each other, checked.

Nothing is read beyond the preset and the schema; what is wrong is told in one message that names
the key and what is allowed there, before any job starts.
"""

import difflib
import math
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

KeyPath = tuple[str | int, ...]
Problem = tuple[KeyPath, str]

_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a finite number",
    "object": "a section",
    "string": "text",
}
_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


_EVERY_KIND = {"kind", "training"}
_SIZES = {"layers", "bins", "residual_blocks", "units_per_dim"}
_NEEDED: dict[str, set[str]] = {
    "flow": {"permutation"},
    "phase-space": {"chart", "orders_per_event"},
    "dropout": {"permutation", "objective"},
    "dequantisation": {"permutation", "noise"},
    "argmax": {"permutation", "noise"},
    "mixture": {"permutation", "objective"},
    "classifier": {"permutation"},
    "phase-space-labels": {"chart", "orders_per_event"},
    "own": {"builder", "data", "settings"},
}
_OPTIONAL: dict[str, set[str]] = {
    "dropout": {"embedding"},
    "mixture": {"embedding"},
    "classifier": {"hidden"},
    "phase-space-labels": {"helicity_width", "colour_width", "colour_terms", "mass"},
}
_DATA = {"flow": "angles", "phase-space": "angles", "dropout": "multiplicity"}
_ORDERS_OF_CHART = {"plain": 24, "sequential": 12, "paired": 3}
_OBJECTIVES = ("likelihood", "balanced")
LEAST_TESTED = 40
"""Least number of test events and physical samples for a two-sample test."""
FOUR_PER_TWO = 10
"""Four-gluino events for each two-gluino event of a mixed sample, as in the paper."""


class ConfigurationError(ValueError):
    """The configuration is not valid; the message names the key."""


def effective_configuration(
    given: Mapping[str, Any], command_line: Mapping[str, Any], directory: Path
) -> dict[str, Any]:
    """Preset, overlaid by what files give, overlaid by the command line.

    Args:
        given: config.yaml and other files, possibly with the command line merged in already.
        command_line: values of `--config`, where Snakemake leaves numbers in sections as text.
        directory: holds `schemas/config.schema.yaml` and `presets/`.

    Raises:
        ConfigurationError: For the first unknown, missing or unsuitable key.
    """
    schema = _load(directory / "schemas" / "config.schema.yaml")
    given = overlay(given, {key: parsed(value) for key, value in command_line.items()})
    _raise_first(schema_problems({"preset": given.get("preset")}, _only(schema, "preset")))
    effective = overlay(_load(directory / "presets" / f"{given['preset']}.yaml"), given)
    _raise_first(schema_problems(effective, schema))
    _raise_first(consistency_problems(effective))
    return effective


def overlay(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """`top` over `base`, section by section; other values, lists too, replace what was there.

    Keys come out sorted: their order in a file means nothing and must not look like a change.
    """
    merged = dict(base)
    for key, value in top.items():
        below = base.get(key)
        if isinstance(value, Mapping):
            value = overlay(below if isinstance(below, Mapping) else {}, value)
        merged[key] = value
    return dict(sorted(merged.items(), key=lambda item: str(item[0])))


def parsed(value: Any) -> Any:
    """Numbers, booleans and null that were left as text, in their own types."""
    if isinstance(value, Mapping):
        return {key: parsed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [parsed(item) for item in value]
    try:
        return yaml.safe_load(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return value


def schema_problems(value: Any, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Breaches of a closed JSON schema, in words."""
    draft = jsonschema.Draft202012Validator
    types = draft.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
    validator = jsonschema.validators.extend(draft, type_checker=types)(schema)
    for error in sorted(validator.iter_errors(value), key=lambda e: list(map(str, e.path))):
        where = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            yield _unknown_key(error, where)
        elif error.validator == "required":
            missing = next(key for key in error.validator_value if key not in error.instance)
            yield (*where, missing), "this key is missing"
        elif "propertyNames" in error.absolute_schema_path:
            yield (*where, error.instance), _described(error.schema, "this name is not allowed")
        else:
            yield where, _unsuitable(error)


def data_of(model: Mapping[str, Any]) -> str:
    """Events that a model takes: "angles", "multiplicity" or "labels", a part of the grid.

    Args:
        model: Its block in the section models.
    """
    kind: str = model["kind"]
    return str(model["data"]) if kind == "own" else _DATA.get(kind, "labels")


def consistency_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Breaches of what several keys must fulfil together, files that are not there included."""
    gluino = config["gluino"]
    yield from _model_problems(config["models"])
    yield from _grid_problems(config)
    yield from _test_problems(config)
    if gluino["source"] == "embedded":
        yield from _embedded_problems(config)
        return
    place = ("gluino", gluino["source"])
    if not files_of(gluino, "four_gluino"):
        yield (*place, "four_gluino"), f"no file given, but gluino.source is {gluino['source']}"
    for process in ("four_gluino", "two_gluino"):
        for name in files_of(gluino, process):
            if not Path(name).is_file():
                yield (*place, process), f"no such file: {name}"


def files_of(gluino: Mapping[str, Any], process: str) -> list[str]:
    """Event files that the user gives for a process, none for the embedded generator."""
    files = gluino.get(gluino["source"], {}).get(process) or []
    return files if isinstance(files, list) else [files]


def _model_problems(models: Mapping[str, Any]) -> Iterator[Problem]:
    """Settings of a model that its kind needs, or has not."""
    for name, model in models.items():
        kind, place = model["kind"], ("models", name)
        needed = _NEEDED[kind]
        known = needed | _OPTIONAL.get(kind, set()) | _EVERY_KIND
        known |= _SIZES if kind != "own" else set()
        for key in sorted(needed - set(model)):
            yield (*place, key), f"this key is missing: kind {kind} needs it"
        for key in sorted(set(model) - known):
            yield (*place, key), f"kind {kind} has no such setting"
        most = _ORDERS_OF_CHART.get(model.get("chart"), 24)
        if model.get("orders_per_event", 1) > most:
            yield (*place, "orders_per_event"), f"chart {model['chart']} has {most} orders"
        if "objective" in model:
            yield from _objective_problems((*place, "objective"), kind, model["objective"])


def _objective_problems(place: KeyPath, kind: str, objective: Any) -> Iterator[Problem]:
    if isinstance(objective, str):
        if objective not in _OBJECTIVES:
            yield place, f"must be one of {', '.join(_OBJECTIVES)}, not {objective!r}"
    elif kind != "dropout":
        yield place, f"kind {kind} takes no weights, only one of {', '.join(_OBJECTIVES)}"
    elif min(objective) < 0 or not math.isclose(sum(objective), 1, abs_tol=1e-6):
        yield place, f"weights must be >= 0 and sum to 1, not {objective}"


def _grid_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Models that are not there or take other events, and trainings that may never end."""
    models = config["models"]
    for part, grid in config["grid"].items():
        place = ("grid", part, "models")
        for model in grid["models"]:
            if model not in models:
                yield place, f"'{model}' is not in the section models ({', '.join(models)})"
                continue
            data = data_of(models[model])
            if data != part:
                yield place, f"'{model}' takes {data}: put it in grid.{data}.models"
            parts = (config["training"], grid.get("training"), models[model].get("training"))
            training = {key: value for part in parts if part for key, value in part.items()}
            yield from _training_problems(training)
    without_two = config["gluino"]["source"] != "embedded" and not files_of(
        config["gluino"], "two_gluino"
    )
    usable = [part for part in config["grid"] if not (part == "multiplicity" and without_two)]
    if not any(config["grid"][part]["models"] for part in usable):
        told = " with events of its own (there are none of two gluinos)" if without_two else ""
        hint = "name some, e.g. grid.angles.models: [stochastic]"
        yield ("grid",), f"no part{told} has a model; {hint}"


def _test_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Too few test events or samples for what the two-sample test needs."""
    share = FOUR_PER_TWO if config["grid"]["multiplicity"]["models"] else 1
    if config["split"]["test"] < LEAST_TESTED * share:
        least = f"{LEAST_TESTED} of each process for the two-sample test"
        told = "; two-gluino test events are a tenth of them" if share > 1 else ""
        yield ("split", "test"), f"must be >= {LEAST_TESTED * share} ({least}{told})"


def _training_problems(training: Mapping[str, Any]) -> Iterator[Problem]:
    budgets = ("max_validations", "max_steps", "max_seconds")
    if training["threshold_mode"] == "rel" and all(training[key] is None for key in budgets):
        told = f"{', '.join(budgets)} are all null and threshold_mode is rel: the training may"
        yield ("training",), f"{told} never end; set one of the three, or threshold_mode: abs"


def _embedded_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    gluino, split, grid = config["gluino"], config["split"], config["grid"]
    threshold = 4 * gluino["mass"]
    if not gluino["sqrt_s"] > threshold:
        told = f"must exceed 4 x gluino.mass = {threshold} [GeV], not {gluino['sqrt_s']}"
        yield ("gluino", "sqrt_s"), told
    needs = {
        "four_gluino": [(part, 1) for part in grid],
        "two_gluino": [("multiplicity", FOUR_PER_TWO)],
    }
    for process, parts in needs.items():
        made = config["generation"][process]["events"]
        for part, divisor in parts:
            if not grid[part]["models"]:
                continue
            counts = (max(grid[part]["n_train"]), split["validation"], split["test"])
            need = sum(count // divisor for count in counts)
            if made < need:
                told = f"must be >= {need} (largest of grid.{part}.n_train + split.validation"
                told += " + split.test" + (f", each / {divisor}" if divisor > 1 else "")
                yield ("generation", process, "events"), f"{told}), not {made}"


def _raise_first(problems: Iterator[Problem]) -> None:
    for where, message in problems:
        raise ConfigurationError(f"{'.'.join(map(str, where))}: {message}")


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _only(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {"properties": {key: schema["properties"][key]}}


def _is_integer(_: object, value: object) -> bool:
    """JSON schema takes 5.0 for an integer; in a file name it would not do."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    """YAML has .nan and .inf, and whole numbers beyond floating point; none is of use here."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def _unknown_key(error: jsonschema.ValidationError, where: KeyPath) -> Problem:
    allowed = list(error.schema["properties"])
    key = min(str(key) for key in error.instance if key not in allowed)
    near = difflib.get_close_matches(key, allowed, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return (*where, key), f"unknown key; {hint}Allowed here: {', '.join(allowed)}"


def _unsuitable(error: jsonschema.ValidationError) -> str:
    value, schema, limit = error.instance, error.schema, error.validator_value
    shown = repr(value) if value is not None else "null"
    if error.validator == "enum":
        return f"must be one of {', '.join(limit)}, not {shown}"
    if error.validator == "uniqueItems":
        return f"must not repeat itself: {shown}"
    if error.validator == "pattern":
        return _described(schema, f"has not the form wanted: {shown}")
    if error.validator in ("minItems", "maxItems") and "maxItems" in schema:
        return f"must have {schema['minItems']} to {schema['maxItems']} entries, not {len(value)}"
    if error.validator in ("minItems", "minProperties", "minLength"):
        return _described(schema, "must not be empty")
    unit = f" [{schema['unit']}]" if schema.get("unit", "1") != "1" else ""
    if error.validator == "type":
        kinds = limit if isinstance(limit, list) else [limit]
        wanted = " or ".join(_KINDS[kind] for kind in kinds)
        return f"must be {wanted}{unit}, not {shown}{_exponent_hint(value)}"
    bounds = " and ".join(f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema)
    return f"must be {bounds}{unit}, not {shown}"


def _described(schema: Mapping[str, Any], message: str) -> str:
    return f"{message} ({schema['description']})" if "description" in schema else message


def _exponent_hint(value: object) -> str:
    number = isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value)
    return " (YAML wants numbers such as 1.0e-3, with dot and sign)" if number else ""
