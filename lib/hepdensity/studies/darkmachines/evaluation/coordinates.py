"""Rows of `darkmachines_coordinates.csv`: the same density in log pT and in pT.

A density changes with its coordinates, log p(pT) = log p(log pT) - sum of log pT, so the ranking of
events changes too, though the model knows neither more nor less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.evaluation.resampling import DRAWS, Evaluated, evaluate, interval
from hepdensity.studies.darkmachines.evaluation.objects import Measure
from hepdensity.studies.darkmachines.evaluation.scored import Scored, all_scored

IN_PT = Measure(pt=1.0)


def coordinates(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per training and signal.

    The anomaly score is -log p of the model, `*_log_pt` in log pT of the objects that it sees,
    `*_pt` in pT. `max_si_*` is over the resolved working points, `max_si_ratio` is that in pT over
    that in log pT; its interval contains 68 % of paired bootstrap draws over events. Cells are
    empty where no working point is resolved, or where a ratio is 0 / 0, in a draw too.

    Args:
        files: `inputs` and `scores`.
        settings: `runs`, `signals`, `draws` and `seed` (see
            `hepdensity.studies.darkmachines.evaluation.scored`).
    """
    inputs = {Path(path).stem: path for path in files["inputs"]}
    without = {**settings, "combinations": {}}
    bare = {"inputs": files["inputs"], "scores": files["scores"]}
    rows = []
    for scored in all_scored(bare, without):
        path = inputs[str(scored.label.dataset)]
        rows += list(_rows(scored, path, settings))
    return rows


def _rows(scored: Scored, path: str, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    moved = Scored(
        label=scored.label,
        background=_in_pt(scored.background, path, ["test"] * len(scored.background)),
        signals=_in_pt(scored.signals, path, list(scored.signals)),
        weights=scored.weights,
        signal_weights=scored.signal_weights,
    )
    first, second = (_evaluated(one, settings) for one in (scored, moved))
    for signal, before in first.items():
        after = second[signal]
        yield {
            **scored.label.columns(),
            "signal": signal,
            "auc_log_pt": before.value.auc,
            "auc_pt": after.value.auc,
            "max_si_log_pt": before.value.max_si_resolved,
            "max_si_pt": after.value.max_si_resolved,
            **_ratio(before, after),
        }


def _in_pt(
    scores: Mapping[str, np.ndarray], path: str, groups: Sequence[str]
) -> dict[str, np.ndarray]:
    """Anomaly scores -log p in pT; the sum belongs to log p with the opposite sign."""
    sums = {group: IN_PT.log_volume(path, group) for group in set(groups)}
    return {
        name: values + sums[group][: len(values)]
        for (name, values), group in zip(scores.items(), groups, strict=True)
    }


def _evaluated(scored: Scored, settings: Mapping[str, Any]) -> dict[str, Evaluated]:
    return evaluate(
        next(iter(scored.background.values())),
        scored.signals,
        scored.weights,
        scored.signal_weights,
        draws=int(settings.get("draws", DRAWS)),
        seed=int(settings.get("seed", 0)),
        sample=scored.label.channel,
    )


def _ratio(before: Evaluated, after: Evaluated) -> dict[str, float | None]:
    names = ("max_si_ratio", "max_si_ratio_low", "max_si_ratio_high")
    if not before.value.max_si_resolved or after.value.max_si_resolved is None:
        return dict.fromkeys(names)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = after.resampled.max_si_resolved / before.resampled.max_si_resolved
    ratio = after.value.max_si_resolved / before.value.max_si_resolved
    return dict(zip(names, (ratio, *interval(drawn)), strict=True))
