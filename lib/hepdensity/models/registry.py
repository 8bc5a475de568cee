"""The kinds of model that a configuration can use: the shared kinds and those of a study.

Builders are not imported but named, so that an edit of one model does not retrain the others. The
workflow adds the named module to the source digest of the rules that build a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module, util
from itertools import cycle
from pkgutil import iter_modules
from typing import Any

from hepdensity.models import kinds
from hepdensity.models.kind import Kind, Look
from hepdensity.models.kinds.own import OWN

_OWN_COLOURS = ("#7a21dd", "#9c9ca1", "#92dadd", "#6b3d00", "#b9ac70")
_OWN_MARKERS = ("P", "X", "d", "p", "*", "<", ">")


def kinds_of(study: str | None = None) -> dict[str, Kind]:
    """Kinds of model that a study can use, by name.

    Shared kinds are the records `KINDS` of the modules in `hepdensity.models.kinds`. A study may
    add its own records `KINDS` in the module `hepdensity.studies.<study>.kinds`.

    Args:
        study: Name of the study, or None for the shared kinds only.
    """
    names = sorted(module.name for module in iter_modules(kinds.__path__))
    modules = [f"{kinds.__name__}.{name}" for name in names]
    of_study = f"hepdensity.studies.{study}.kinds"
    if study is not None and util.find_spec(of_study) is not None:
        modules.append(of_study)
    records: list[Kind] = [kind for module in modules for kind in import_module(module).KINDS]
    return {kind.name: kind for kind in records}


def builder_of(kind: Kind, block: Mapping[str, Any]) -> str:
    """The "module:function" that builds a model.

    Args:
        kind: Its kind.
        block: Its block of the configuration.
    """
    return str(block["builder"]) if kind.name == OWN else kind.builder


def settings_of(
    kind: Kind, block: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Keyword arguments of the builder of a model.

    Args:
        kind: Its kind.
        block: Its block of the configuration.
        defaults: Values for settings of this kind that the block does not set.
    """
    if kind.name == OWN:
        return dict(block.get("settings", {}))
    given = {key: value for key, value in block.items() if key not in ("kind", "training")}
    known = {key: value for key, value in defaults.items() if key in kind.settings}
    return {**known, **given}


def looks(
    names: Sequence[str], blocks: Mapping[str, Mapping[str, Any]], known: Mapping[str, Kind]
) -> dict[str, tuple[Look, Look]]:
    """Looks of models: of the full model, and of the model without its permutation treatment.

    Looks follow from settings. A model of kind `own` gets its own colour and marker. So does a
    treatment whose kind would give it the look of another treatment, and a model that would have
    the label of another model; the name of the model is then appended to the label.

    Args:
        names: Models in the order of the configuration.
        blocks: Block of each model.
        known: Kinds by name.
    """
    found: dict[str, tuple[Look, Look]] = {}
    treatments: dict[tuple[str, str], Look] = {}
    own = _own_looks()
    for name in names:
        block = blocks[name]
        kind = known[block["kind"]]
        if kind.name == OWN:
            look = Look(name, *next(own))
            found[name] = look, look
            continue
        treatment = _treatment(kind, block, treatments, own)
        label = full_label(kind, block, treatment)
        if label in {look.label for look, _ in found.values()}:
            look = Look(f"{label} ({name})", *next(own))
            found[name] = look, look
        else:
            found[name] = replace(treatment, label=label), treatment
    return found


def _treatment(
    kind: Kind,
    block: Mapping[str, Any],
    known: dict[tuple[str, str], Look],
    own: Iterator[tuple[str, str]],
) -> Look:
    """Look of a treatment, which is added to the known looks."""
    look = kind.look(block)
    key = kind.name, look.label
    if key not in known:
        taken = {(name, other.colour, other.marker) for (name, _), other in known.items()}
        clash = (kind.name, look.colour, look.marker) in taken
        known[key] = Look(look.label, *next(own)) if clash else look
    return known[key]


def full_label(kind: Kind, block: Mapping[str, Any], treatment: Look) -> str:
    """Name of a model in figures, including its permutation treatment."""
    permutation = block.get("permutation")
    if permutation is None or kind.name == "flow":
        return treatment.label
    return f"{treatment.label}, {permutation}"


def _own_looks() -> Iterator[tuple[str, str]]:
    """Endless colours and markers; 5 and 7 have no common divisor, so the first 35 pairs differ."""
    return zip(cycle(_OWN_COLOURS), cycle(_OWN_MARKERS), strict=False)
