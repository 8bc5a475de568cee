"""Tables of anomaly scores: everything, figure 14's, and the exchange format of the challenge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.evaluation.anomaly import WORKING_POINTS
from hepdensity.evaluation.resampling import Evaluated, interval
from hepdensity.files import read_table
from hepdensity.studies.darkmachines.evaluation.references import LEAST_SIGNAL, SUPERVISED
from hepdensity.studies.darkmachines.evaluation.scored import (
    Scored,
    channels_of,
    evaluated_scores,
)

Row = Mapping[str, Any]

POINTS = dict(zip(WORKING_POINTS, ("1e2", "1e3", "1e4"), strict=True))
"""Background efficiency -> suffix of columns."""

FIGURE_14 = (
    *("channel", "model", "permutation", "n_max", "n_train", "seed", "signal", "signal_role"),
    *("auc", "auc_low", "auc_high"),
    *(f"eps_s_{name}" for name in POINTS.values()),
    *(f"resolved_{name}" for name in POINTS.values()),
    *("max_si", "max_si_low", "max_si_high", "max_si_resolved", "ceiling_max_si"),
)
"""Columns of the table `fig14_max_si`."""


def anomaly_scores(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table `darkmachines_scores`: one per score and signal, with all intervals.

    Intervals contain 68 % of bootstrap draws of background and signal events. `max_si` is over all
    working points, `max_si_resolved` over those with at least ten effective background events above
    threshold. `events_above_*` is their effective number. The `ceiling` is the value of the
    supervised classifier; it is empty for signals with too few events to train one.
    `not_finite_*` counts impossible events, which have the score infinity.

    Args:
        files: `inputs` and `scores`; `references` if there are any.
        settings: `runs`, `signals`, `combinations`, `draws` and `seed` (see
            `hepdensity.studies.darkmachines.evaluation.scored`).
    """
    roles = {channel.name: channel.roles for channel in channels_of(files, settings)}
    rows = [
        _row(scored, signal, roles[scored.label.channel][signal], result)
        for scored, results in evaluated_scores(files, settings)
        for signal, result in results.items()
    ]
    return _with_ceiling(rows)


def _row(scored: Scored, signal: str, role: str, result: Evaluated) -> dict[str, Any]:
    value, drawn = result.value, result.resampled
    row = {
        **scored.label.columns(),
        **{"dataset": scored.label.dataset, "family": scored.label.family},
        **{"signal": signal, "signal_role": role},
        "n_background": len(scored.background[signal]),
        "n_signal": result.events,
        "not_finite_background": int(np.isinf(scored.background[signal]).sum()),
        "not_finite_signal": int(np.isinf(scored.signals[signal]).sum()),
        **_with_interval("auc", value.auc, drawn.auc),
    }
    for i, (point, name) in enumerate(POINTS.items()):
        row |= _with_interval(f"eps_s_{name}", value.eps_s[point], drawn.eps_s[:, i])
        row[f"events_above_{name}"] = value.events_above[point]
        row[f"resolved_{name}"] = value.resolved[point]
    row |= _with_interval("max_si", value.max_si, drawn.max_si)
    return row | _with_interval("max_si_resolved", value.max_si_resolved, drawn.max_si_resolved)


def _with_interval(name: str, value: float | None, drawn: np.ndarray) -> dict[str, float | None]:
    low, high = interval(drawn) if value is not None else (None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _with_ceiling(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Add the values of the supervised classifier of the same channel and signal."""
    ceilings = {
        (row["channel"], row["signal"]): row
        for row in rows
        if row["model"] == SUPERVISED and row["n_signal"] >= LEAST_SIGNAL
    }
    return [
        {
            **row,
            **{
                f"ceiling_{name}": ceilings.get((row["channel"], row["signal"]), {}).get(name)
                for name in ("max_si", "max_si_resolved")
            },
        }
        for row in rows
    ]


def fig14_max_si(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table `fig14_max_si`.

    Args:
        files: `scores`, the table `darkmachines_scores`.
        settings: Not used.
    """
    return figure_rows(read_rows(files["scores"]))


def read_rows(path: str | Path) -> list[dict[str, Any]]:
    """Read a table of this module or of `summary`; channels `1` and `3` are names, not numbers."""
    return [{**row, "channel": str(row["channel"])} for row in read_table(path)]


def figure_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The columns of the table `fig14_max_si`.

    Args:
        rows: Rows of the table `darkmachines_scores`.
    """
    return [{name: row[name] for name in FIGURE_14} for row in rows]


def challenge_format(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows in the exchange format of the Dark Machines challenge, `Signal,Model,Chan,AUC,...`.

    The name of a model contains N_max, the number of training events and the seed.

    Args:
        files: `scores`, the table `darkmachines_scores`.
        settings: Not used.
    """
    return [
        {
            "Signal": row["signal"],
            "Model": _challenge_name(row),
            "Chan": row["channel"],
            "AUC": row["auc"],
            **{f"1e-{name[2]}": row[f"eps_s_{name}"] for name in POINTS.values()},
        }
        for row in read_rows(files["scores"])
    ]


def _challenge_name(row: Row) -> str:
    objects = "" if row["n_max"] is None else f"_N{row['n_max']}"
    return f"{row['model']}{objects}_n{row['n_train']}_seed{row['seed']}"
