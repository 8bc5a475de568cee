"""Rows of `darkmachines_comparison.csv`: one score against another, on the same events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hepdensity.evaluation.resampling import interval
from hepdensity.studies.darkmachines.evaluation.references import SUPERVISED
from hepdensity.studies.darkmachines.evaluation.scored import PAPER
from hepdensity.studies.darkmachines.evaluation.summary import (
    MEAN,
    MEDIAN,
    TWO_SIGMA,
    Values,
    Variant,
    known_ceilings,
    variants_of,
    way_between,
)


def comparison(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per channel, role of signals, and pair of scores.

    A score is named by its model, by its combination, or `paper` for the best bare model of the
    paper. Where several trainings have this name (N_max, size of the training set, models of the
    paper), the one with the largest geometric mean over the *tuning* signals stands for it, so no
    choice is made on the final signals. Ratios are of medians and of geometric means over signals
    of Max SI over resolved working points, averaged as logarithms over seeds. `*_low`, `*_high`
    contain 68 %, `*_low2`, `*_high2` 95 % of paired bootstrap draws over events; `*_seed_error` is
    the standard error of the logarithm over seeds. `way_to_ceiling` is how far `score` gets from
    `against` to the supervised classifier, as a fraction of the logarithm.

    Args:
        files: `inputs` and `scores`; `references` if there are any.
        settings: `compare`, pairs of names; and `runs`, `signals`, `combinations`, `draws`, `seed`.
    """
    variants = variants_of(files, settings)
    rows = []
    for channel, roles in settings["signals"].items():
        here = [one for one in variants if one.label.channel == channel]
        for role in dict.fromkeys(roles.values()):
            for names in settings["compare"]:
                pair = [_standing_for(name, here, role) for name in names]
                rows.append(_row(channel, role, names, pair, here))
    return rows


def _standing_for(name: str, variants: Sequence[Variant], role: str) -> Variant | None:
    """The variant with a name that is best on tuning signals, with the signals of a role."""
    named = [one for one in variants if _has_name(one, name)]
    tuning = [one for one in named if one.role == "tuning" and one.values is not None]
    best = max(tuning, key=_tuned, default=None)
    if best is None and len({one.label.variant for one in named}) > 1:
        return None
    chosen = [
        one
        for one in named
        if one.role == role and (best is None or one.label.variant == best.label.variant)
    ]
    return chosen[0] if chosen else None


def _has_name(variant: Variant, name: str) -> bool:
    label = variant.label
    if name == PAPER:
        return label.family == PAPER and not label.combined
    return label.model == name


def _tuned(variant: Variant) -> float:
    assert variant.values is not None
    return float(variant.values.mean_log(MEAN))


def _row(
    channel: str,
    role: str,
    names: Sequence[str],
    pair: Sequence[Variant | None],
    variants: Sequence[Variant],
) -> dict[str, Any]:
    first, second = pair
    shared: list[str] = []
    if first is not None and second is not None:
        shared = [name for name in first.signals if name in second.signals]
    values = [one.kept(shared) if one is not None and shared else None for one in pair]
    row: dict[str, Any] = {
        **{"channel": channel, "signal_role": role, "score": names[0], "against": names[1]},
        **{"score_is": _described(first), "against_is": _described(second)},
        "signals": len(shared),
    }
    for statistic in (MEDIAN, MEAN):
        row |= _ratio_columns(f"ratio_of_{statistic}s", statistic, *values)
    ceilings = [one for one in variants if one.label.model == SUPERVISED and one.role == role]
    return row | _way_columns(first, second, ceilings[0] if ceilings else None)


def _described(variant: Variant | None) -> str | None:
    """Training that stands for a name."""
    if variant is None:
        return None
    label = variant.label
    return f"{label.model} {label.dataset or ''} n{label.n_train}".replace("  ", " ")


def _ratio_columns(
    name: str, statistic: str, first: Values | None, second: Values | None
) -> dict[str, float | None]:
    suffixes = ("", "_low", "_high", "_low2", "_high2", "_seed_error")
    names = [name + suffix for suffix in suffixes]
    if first is None or second is None:
        return dict.fromkeys(names)
    with np.errstate(invalid="ignore"):  # 0 / 0: neither sees most signals.
        ratio = float(np.exp(first.mean_log(statistic) - second.mean_log(statistic)))
        drawn = np.exp(first.mean_log(statistic, True) - second.mean_log(statistic, True))
    value = None if np.isnan(ratio) else ratio
    bounds = (*interval(drawn), *interval(drawn, TWO_SIGMA))
    return dict(zip(names, (value, *bounds, _seed_error(first, second, statistic)), strict=True))


def _seed_error(first: Values, second: Values, statistic: str) -> float | None:
    """Standard error over seeds of the logarithm of a ratio; None if a score has one seed only.

    A score without randomness (a plain cut) has one seed; it adds no error.
    """
    squares = []
    for values in (first, second):
        centres = values.centre(statistic)
        if len(centres) > 1 and (centres > 0).all():
            squares.append(np.log(centres).var(ddof=1) / len(centres))
    return float(np.sqrt(sum(squares))) if squares else None


def _way_columns(
    first: Variant | None, second: Variant | None, ceiling: Variant | None
) -> dict[str, float | None]:
    names = ["way_to_ceiling", "way_to_ceiling_low", "way_to_ceiling_high"]
    empty: dict[str, float | None] = dict.fromkeys(names)
    if first is None or second is None or ceiling is None:
        return empty
    shared = [name for name in known_ceilings(first, ceiling) if name in second.signals]
    if not shared:
        return empty
    values, start, end = (one.kept(shared) for one in (first, second, ceiling))
    if values is None or start is None or end is None:
        return empty
    bounds = interval(way_between(values, start, end, drawn=True))
    return dict(zip(names, (float(way_between(values, start, end)), *bounds), strict=True))
