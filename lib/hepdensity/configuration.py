"""The configuration of a run: presets, the user's files and the command line, overlaid and checked.

`schemas/config.schema.yaml` describes the shared keys, `studies/<study>/schema.yaml` those of a
study. Any mistake is reported before a job starts, in one message that names the key and says what
is allowed there.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from hepdensity.models.kind import FLOW_SECTION
from hepdensity.models.registry import kinds_of
from hepdensity.study import KeyPath, Problem, Study

SCALES = ("smoke", "quick", "long", "paper")
"""The presets."""

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a finite number",
    "object": "a section",
    "string": "text",
}
_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


class ConfigurationError(ValueError):
    """The configuration is invalid; the message names the key."""


def effective_configuration(
    given: Mapping[str, Any],
    command_line: Mapping[str, Any],
    directory: Path,
    files: Iterable[str | Path] = (),
) -> dict[str, Any]:
    """Overlay the presets with the user's files, and these with the command line.

    Args:
        given: config.yaml and other files; the command line may already be merged in.
        command_line: Values of `--config`; Snakemake leaves numbers inside sections as text.
        directory: Folder of the schemas, presets and studies.
        files: The configuration files that were read; they are checked for duplicate keys.

    Raises:
        ConfigurationError: For the first unknown, duplicate, missing or invalid key.
    """
    for path in files:
        load_yaml(Path(path))
    schema = load_yaml(directory / "schemas" / "config.schema.yaml")
    schema["$defs"]["flow"] = FLOW_SECTION
    given = overlay(given, {key: parsed(value) for key, value in command_line.items()})
    known = study_names(directory)
    base = overlay(
        load_yaml(directory / "presets" / "common.yaml"),
        {key: given[key] for key in ("preset", "studies") if key in given},
    )
    schema["properties"]["studies"]["items"] = {"enum": known}
    first = {**_only(schema, ("preset", "studies")), "required": ["preset", "studies"]}
    _raise_first(schema_problems(base, first))
    preset, studies = base["preset"], base["studies"]
    base = overlay(base, load_yaml(directory / "presets" / f"{preset}.yaml"))
    for name in studies:
        base = overlay(base, {name: study_defaults(directory / "studies" / name, preset)})
    effective = overlay(base, given)
    for name in set(known) - set(studies):
        effective.pop(name, None)
    _raise_first(schema_problems(effective, composed_schema(schema, directory, studies)))
    for name in studies:
        _raise_first(_model_problems(name, effective[name]["models"], schema))
        study = load_study(name, effective)
        _raise_first(_placed(name, study.common_problems()))
        _raise_first(_placed(name, study.problems()))
    return effective


def results_folder(config: Mapping[str, Any]) -> str:
    """Results folder of a run, named after `run`, or after the preset if `run` is null."""
    return f"results/{config['run'] or config['preset']}"


def load_study(name: str, config: Mapping[str, Any]) -> Study:
    """Load a study by its name.

    Args:
        name: A name in `studies` of the configuration.
        config: Effective configuration.
    """
    module = import_module(f"hepdensity.studies.{name}.study")
    study: Study = module.Study(name, config, results_folder(config))
    return study


def study_names(directory: Path) -> list[str]:
    """Names of the available studies: the folders in `directory/studies`."""
    return sorted(path.parent.name for path in (directory / "studies").glob("*/schema.yaml"))


def study_defaults(folder: Path, preset: str) -> dict[str, Any]:
    """Default section of a study: its models and its preset.

    Args:
        folder: Folder of the study with `models.yaml` and `presets.yaml`.
        preset: Name of the preset; settings under `common` apply to every preset.
    """
    presets = load_yaml(folder / "presets.yaml")
    defaults = overlay(presets.get("common") or {}, presets.get(preset) or {})
    return overlay({"models": load_yaml(folder / "models.yaml")}, defaults)


def composed_schema(
    schema: Mapping[str, Any], directory: Path, studies: Sequence[str]
) -> dict[str, Any]:
    """The shared schema, with the schemas of the studies as its sections.

    Args:
        schema: The shared schema, whose `$defs` the studies refer to.
        directory: Folder that holds `studies`.
        studies: Names of the studies.
    """
    sections = {name: load_yaml(directory / "studies" / name / "schema.yaml") for name in studies}
    properties = {**schema["properties"], **sections}
    return {**schema, "properties": properties, "required": [*schema["required"], *studies]}


class _Loader(yaml.SafeLoader):
    """Rejects duplicate keys; plain YAML silently keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if key in lines:
                raise ConfigurationError(
                    f"{key_node.start_mark.name}: line {line}: the key '{key}' is already set in"
                    f" line {lines[key]}; keep only one of the two"
                )
            lines[key] = line
        return super().construct_mapping(node, deep)


def load_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        ConfigurationError: If it is not valid YAML, or a section has the same key twice.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return yaml.load(file, Loader=_Loader)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{path}: invalid YAML: {reason}") from error


def overlay(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `top` into `base`, section by section; any other value, even a list, is replaced.

    A section that is null, such as one that contains only comments, changes nothing. Keys are
    sorted, because their order in a file has no meaning and must not look like a change.

    Example:
        >>> base = {"study": {"mass": 600.0, "seeds": [1, 2]}, "preset": "smoke"}
        >>> overlay(base, {"study": {"seeds": [3]}})
        {'preset': 'smoke', 'study': {'mass': 600.0, 'seeds': [3]}}
    """
    merged = dict(base)
    for key, value in top.items():
        below = base.get(key)
        if isinstance(below, Mapping) and value is None:
            continue
        if isinstance(value, Mapping):
            value = overlay(below if isinstance(below, Mapping) else {}, value)
        merged[key] = value
    return dict(sorted(merged.items(), key=lambda item: str(item[0])))


def parsed(value: Any) -> Any:
    """Convert numbers, booleans and null that were left as text; other text stays as it is.

    >>> parsed({"n_train": ["1000"], "file": "run #1/e.lhe"})
    {'n_train': [1000], 'file': 'run #1/e.lhe'}
    """
    if isinstance(value, Mapping):
        return {key: parsed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [parsed(item) for item in value]
    if not isinstance(value, str):
        return value
    try:
        found = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    return found if found is None or isinstance(found, bool | int | float) else value


def schema_problems(value: Any, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Describe every violation of a closed JSON schema."""
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


def _model_problems(
    study: str, models: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[Problem]:
    """Model settings that are unknown, missing or invalid for the kind of the model."""
    kinds = kinds_of(study)
    for name, block in models.items():
        place = (study, "models", name)
        kind = kinds.get(block["kind"])
        if kind is None:
            yield (*place, "kind"), f"must be one of {', '.join(kinds)}, not {block['kind']!r}"
            continue
        found = schema_problems(block, {**kind.schema(), "$defs": schema["$defs"]})
        valid = True
        for where, message in found:
            valid = False
            yield (*place, *where), f"{message} (kind {kind.name})"
        if valid:
            yield from (((*place, key), message) for key, message in kind.problems(block))


def _placed(section: str, problems: Iterator[Problem]) -> Iterator[Problem]:
    for where, message in problems:
        yield (where if where[0] == "training" else (section, *where)), message


def _raise_first(problems: Iterator[Problem]) -> None:
    for where, message in problems:
        raise ConfigurationError(f"{'.'.join(map(str, where))}: {message}")


def _only(schema: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {"properties": {key: schema["properties"][key] for key in keys}}


def _is_integer(_: object, value: object) -> bool:
    """JSON schema accepts 5.0 as an integer, but file names need a true integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    """YAML allows .nan, .inf and integers too large for a float; none of them is useful here."""
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
        return f"must not contain the same entry twice, but is {shown}"
    if error.validator == "pattern":
        return _described(schema, f"has the wrong form: {shown}")
    if error.validator in ("minItems", "maxItems") and "maxItems" in schema:
        return f"must have {schema['minItems']} to {schema['maxItems']} entries, not {len(value)}"
    if error.validator == "minItems" and limit > 1:
        return f"must have at least {limit} entries, not {len(value)}"
    if error.validator in ("minItems", "minProperties", "minLength"):
        return _described(schema, "must not be empty")
    unit = f" [{schema['unit']}]" if schema.get("unit", "1") != "1" else ""
    if error.validator == "type":
        kinds = limit if isinstance(limit, list) else [limit]
        expected = " or ".join(_TYPES[kind] for kind in kinds)
        return f"must be {expected}{unit}, not {shown}{_exponent_hint(value)}"
    bounds = " and ".join(f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema)
    return f"must be {bounds}{unit}, not {shown}"


def _described(schema: Mapping[str, Any], message: str) -> str:
    return f"{message} ({schema['description']})" if "description" in schema else message


def _exponent_hint(value: object) -> str:
    number = isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value)
    return " (YAML needs the dot and the sign in numbers such as 1.0e-3)" if number else ""


def _print_results_folder(words: Sequence[str]) -> None:
    """Print the results folder for config.yaml in this folder and "key=value" words."""
    given = load_yaml(Path("config.yaml"))
    command_line = {key: value for key, _, value in (word.partition("=") for word in words)}
    print(results_folder(effective_configuration(given, command_line, Path("workflow"))))


if __name__ == "__main__":
    try:
        _print_results_folder(sys.argv[1:])
    except ValueError as error:
        sys.exit(f"Configuration error: {error}")
