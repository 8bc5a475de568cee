"""Medians and geometric means of Max SI over signals, and how models compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hepdensity.evaluation.anomaly import RANDOM_GUESS
from hepdensity.evaluation.resampling import Evaluated, geometric_mean, interval
from hepdensity.studies.darkmachines.evaluation.references import LEAST_SIGNAL, SUPERVISED
from hepdensity.studies.darkmachines.evaluation.scored import (
    Label,
    evaluated_scores,
)

ROLES = ("tuning", "final")
MEDIAN, MEAN = "median", "geometric_mean"
TWO_SIGMA = 0.9545


@dataclass(frozen=True)
class Values:
    """Max SI over the resolved working points, by seed, signal and draw.

    Attributes:
        value: Shape (seeds, signals).
        drawn: Shape (seeds, signals, draws).
        floors: Smallest value that counts in a geometric mean, shape (signals,).
        auc: Shape (seeds, signals).
    """

    value: np.ndarray
    drawn: np.ndarray
    floors: np.ndarray
    auc: np.ndarray

    def centre(self, statistic: str, drawn: bool = False) -> np.ndarray:
        """Median or geometric mean over signals, shape (seeds,) or (seeds, draws)."""
        values = np.moveaxis(self.drawn if drawn else self.value, 1, 0)
        if statistic == MEDIAN:
            return np.asarray(np.median(values, axis=0))
        return geometric_mean(values, self.floors)

    def mean_log(self, statistic: str, drawn: bool = False) -> np.ndarray:
        """Mean over seeds of the logarithm of `centre`, of shape () or (draws,)."""
        return np.asarray(_log(self.centre(statistic, drawn)).mean(axis=0))

    def some(self, chosen: Sequence[int]) -> Values:
        """Values for some of the signals."""
        kept = list(chosen)
        return Values(
            self.value[:, kept], self.drawn[:, kept], self.floors[kept], self.auc[:, kept]
        )


@dataclass(frozen=True)
class Variant:
    """All seeds of a training, and the signals of one role.

    Attributes:
        label: Label of the first seed.
        role: "tuning" or "final".
        signals: Their names.
        values: Max SI; None if the sample does not resolve a working point for every signal.
        events: Number of events of each signal.
        seeds: Number of seeds.
    """

    label: Label
    role: str
    signals: tuple[str, ...]
    values: Values | None
    events: tuple[int, ...]
    seeds: int

    def kept(self, signals: Sequence[str]) -> Values | None:
        """Values for some of its signals."""
        if self.values is None:
            return None
        return self.values.some([self.signals.index(name) for name in signals])


def variants_of(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Variant]:
    """Evaluate all scores and join those that differ in their seed only.

    Args:
        files: See `hepdensity.studies.darkmachines.evaluation.scored.all_scored`.
        settings: Likewise; also `draws` and `seed`.
    """
    groups: dict[tuple[Any, ...], list[tuple[Label, dict[str, Evaluated]]]] = defaultdict(list)
    for scored, results in evaluated_scores(files, settings):
        groups[scored.label.variant].append((scored.label, results))
    return [
        variant
        for members in groups.values()
        for role in ROLES
        for variant in _variant(members, role, settings["signals"][members[0][0].channel])
    ]


def _variant(
    members: Sequence[tuple[Label, dict[str, Evaluated]]], role: str, roles: Mapping[str, str]
) -> Iterator[Variant]:
    first = members[0][1]
    signals = tuple(name for name in first if roles[name] == role)
    if not signals:
        return
    table = [[results[name] for name in signals] for _, results in members]
    resolved = all(one.value.max_si_resolved is not None for row in table for one in row)
    yield Variant(
        label=members[0][0],
        role=role,
        signals=signals,
        values=_values(table) if resolved else None,
        events=tuple(first[name].events for name in signals),
        seeds=len(members),
    )


def _values(table: Sequence[Sequence[Evaluated]]) -> Values:
    return Values(
        value=np.array([[one.value.max_si_resolved for one in row] for row in table]),
        drawn=np.array([[one.resampled.max_si_resolved for one in row] for row in table]),
        floors=np.array([one.floor for one in table[0]]),
        auc=np.array([[one.value.auc for one in row] for row in table]),
    )


def summary(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table `darkmachines_summary`: one per channel, role of signals and variant.

    `median` and `geometric_mean` of Max SI over the resolved working points are over signals,
    averaged (as logarithms) over `seeds`. Their intervals are over events (68 % of bootstrap draws
    of background and signal), `*_seed_spread` is the standard deviation over seeds of their
    logarithm. A signal that a score does not see at all counts as half an event at eps_B = 1e-2 in
    the geometric mean. `fraction_of_ceiling` is how far the score gets from a random guess to the
    supervised classifier, as a fraction of the logarithm, over the `ceilings` signals with enough
    events for one. Cells are empty where the sample resolves no working point.

    Args:
        files: `inputs` and `scores`; `references` if there are any.
        settings: `runs`, `signals`, `combinations`, `draws` and `seed`.
    """
    variants = variants_of(files, settings)
    ceilings = {(one.label.channel, one.role): one for one in variants if _is_ceiling(one)}
    return [_summary_row(one, ceilings.get((one.label.channel, one.role))) for one in variants]


def _is_ceiling(variant: Variant) -> bool:
    return variant.label.model == SUPERVISED


def _summary_row(variant: Variant, ceiling: Variant | None) -> dict[str, Any]:
    label = {name: value for name, value in variant.label.columns().items() if name != "seed"}
    shared = known_ceilings(variant, ceiling)
    return {
        **label,
        **{"dataset": variant.label.dataset, "family": variant.label.family},
        **{"signal_role": variant.role, "signals": len(variant.signals), "seeds": variant.seeds},
        "median_auc": None if variant.values is None else _median_auc(variant.values),
        **_centre_columns(variant.values, MEDIAN),
        **_centre_columns(variant.values, MEAN),
        "ceilings": len(shared),
        **_fraction_columns("fraction_of_ceiling", variant, ceiling, shared),
    }


def _median_auc(values: Values) -> float:
    return float(np.median(values.auc, axis=1).mean())


def _centre_columns(values: Values | None, statistic: str) -> dict[str, float | None]:
    names = [statistic, f"{statistic}_low", f"{statistic}_high", f"{statistic}_seed_spread"]
    if values is None:
        return dict.fromkeys(names)
    low, high = interval(np.exp(values.mean_log(statistic, drawn=True)))
    logs = _log(values.centre(statistic))
    spread = float(logs.std(ddof=1)) if len(logs) > 1 else None
    centre = float(np.exp(values.mean_log(statistic)))
    return dict(zip(names, (centre, low, high, spread), strict=True))


def known_ceilings(variant: Variant, ceiling: Variant | None) -> list[str]:
    """Signals of a variant that have enough events for a supervised ceiling."""
    if ceiling is None:
        return []
    enough = dict(zip(ceiling.signals, ceiling.events, strict=True))
    return [name for name in variant.signals if enough.get(name, 0) >= LEAST_SIGNAL]


def way_between(
    values: Values, start: Values | float, end: Values, drawn: bool = False
) -> np.ndarray:
    """How far a score gets from a start to an end, as a fraction of the logarithm.

    Args:
        values: The score.
        start: Another score, or a value of Max SI.
        end: The ceiling.
        drawn: Of resampled events, shape (draws,), instead of the events themselves, shape ().
    """
    log_start = np.log(start) if isinstance(start, float) else start.mean_log(MEAN, drawn)
    whole = end.mean_log(MEAN, drawn) - log_start
    return np.asarray((values.mean_log(MEAN, drawn) - log_start) / whole)


def _fraction_columns(
    name: str, variant: Variant, ceiling: Variant | None, shared: Sequence[str]
) -> dict[str, float | None]:
    names = [name, f"{name}_low", f"{name}_high"]
    values = variant.kept(shared) if shared else None
    end = ceiling.kept(shared) if ceiling is not None and shared else None
    if values is None or end is None:
        return dict.fromkeys(names)
    fraction = float(way_between(values, RANDOM_GUESS, end))
    bounds = interval(way_between(values, RANDOM_GUESS, end, drawn=True))
    return dict(zip(names, (fraction, *bounds), strict=True))


def _log(values: np.ndarray) -> np.ndarray:
    """Logarithm; that of 0, a median of signals that are not seen, is -infinity."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))
