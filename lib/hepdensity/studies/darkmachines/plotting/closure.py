"""Closure of the detector: what it does against the formulas of its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from hepdensity.physics.detector.card import ATLAS
from hepdensity.plotting.style import (
    PALETTE,
    TRUTH_COLOUR,
    WIDTH,
    draw_title,
    journal_style,
)
from hepdensity.studies.darkmachines.evaluation.closure import (
    PT_EDGES,
    Row,
    lepton_and_photon_rows,
)
from hepdensity.studies.darkmachines.evaluation.jet_closure import dijets, jet_rows

_HEIGHT = 5.6
_HEIGHTS = (3, 1.2, 3, 1.2)
_MARKERS = ("o", "s", "^")
_TAG_COLOURS = {"b jet": PALETTE[2], "c jet": PALETTE[1], "light jet": PALETTE[0]}
_RATIO_LABEL = "ratio to\nthe card"


def detector_closure(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[Row]]:
    """Measure and draw efficiencies, resolutions, jet response and b-tag rates.

    Args:
        files: None are needed.
        settings: `particles` (number of electrons, of muons and of photons), `events` (number of
            events with jets), `seed` and `jet_radius`.
    """
    card = ATLAS.with_jet_radius(settings["jet_radius"])
    seed = settings["seed"]
    rows = lepton_and_photon_rows(card, settings["particles"], seed)
    rows += jet_rows(dijets(settings["events"], seed), card, seed)
    return closure_figure(rows), rows


def closure_figure(rows: Sequence[Row]) -> Figure:
    """Draw the rows.

    Args:
        rows: See `lepton_and_photon_rows` and `jet_rows`.
    """
    with journal_style():
        figure = Figure(figsize=(WIDTH, _HEIGHT))
        axes = figure.subplots(
            4, 4, sharex="col", squeeze=False, gridspec_kw={"height_ratios": _HEIGHTS}
        )
        for column, name in enumerate(("electron", "muon", "photon")):
            _draw_efficiency(axes[:2, column], _of(rows, name, "efficiency"))
            _draw_resolution(axes[2:, column], _of(rows, name, "resolution"))
            draw_title(axes[0, column], f"{name}s")
        in_all = _of(rows, "electron", "efficiency in all")
        for series, colour, marker in _series(in_all, "eta_low"):
            _draw_points(axes[0, 0], series, colour, marker, hollow=True)
        draw_title(axes[0, 3], "jets")
        _draw_tags(axes[:2, 3], [row for row in rows if row["quantity"] == "b-tag"])
        _draw_jets(axes[2:, 3], rows)
        _label(axes)
    return figure


def _of(rows: Sequence[Row], name: str, quantity: str) -> list[Row]:
    return [row for row in rows if row["object"] == name and row["quantity"] == quantity]


def _series(rows: Sequence[Row], key: str) -> list[tuple[list[Row], str, str]]:
    """Rows of each value of a column, with colour and marker."""
    values = sorted({row[key] for row in rows})
    return [
        ([row for row in rows if row[key] == value], PALETTE[i], _MARKERS[i])
        for i, value in enumerate(values)
    ]


def _draw_efficiency(axes: np.ndarray, rows: Sequence[Row]) -> None:
    for series, colour, marker in _series(rows, "eta_low"):
        _draw_pair(axes, series, colour, marker, _eta_range(series))
    axes[0].set_ylim(0.35, 1.1)
    axes[1].set_ylim(0.95, 1.05)


def _draw_resolution(axes: np.ndarray, rows: Sequence[Row]) -> None:
    for series, colour, marker in _series(rows, "eta_low"):
        _draw_pair(axes, series, colour, marker, _eta_range(series))
    axes[0].set_yscale("log")
    axes[0].set_ylim(0.0018, 0.6)
    axes[1].set_ylim(0.8, 1.2)


def _draw_tags(axes: np.ndarray, rows: Sequence[Row]) -> None:
    for (name, colour), marker in zip(_TAG_COLOURS.items(), _MARKERS, strict=True):
        series = [row for row in rows if row["object"] == name]
        _draw_pair(axes, series, colour, marker, name)
    axes[0].set_yscale("log")
    axes[0].set_ylim(5e-4, 20)
    axes[1].set_ylim(0, 2)


def _draw_jets(axes: np.ndarray, rows: Sequence[Row]) -> None:
    for series, colour, marker in _series(_of(rows, "jet", "resolution"), "eta_low"):
        _draw_points(axes[0], series, colour, marker, _eta_range(series))
    for series, colour, marker in _series(_of(rows, "jet", "response"), "eta_low"):
        _draw_points(axes[1], series, colour, marker)
    for series, colour, marker in _series(_of(rows, "jet", "raw response"), "eta_low"):
        _draw_points(axes[1], series, colour, marker, hollow=True)
    axes[0].set_yscale("log")
    axes[0].set_ylim(0.0018, 0.6)
    axes[1].set_ylim(0.72, 1.1)
    axes[1].axhline(1, color=TRUTH_COLOUR, linewidth=0.8, zorder=0.5)


def _draw_pair(axes: np.ndarray, rows: Sequence[Row], colour: str, marker: str, label: str) -> None:
    """Measured points and the formula above, and their ratio below."""
    edges = np.array([*(row["pt_low"] for row in rows), rows[-1]["pt_high"]])
    expected = np.array([row["expected"] for row in rows])
    axes[0].stairs(expected, edges, baseline=None, color=colour, linewidth=0.9)
    _draw_points(axes[0], rows, colour, marker, label)
    axes[1].axhline(1, color=TRUTH_COLOUR, linewidth=0.8, zorder=0.5)
    _draw_points(axes[1], rows, colour, marker, scale=1 / expected)


def _draw_points(
    axes: Axes,
    rows: Sequence[Row],
    colour: str,
    marker: str,
    label: str | None = None,
    scale: np.ndarray | float = 1.0,
    hollow: bool = False,
) -> None:
    """Values with their errors, at the centres of the bins of log pT."""
    value, error, low, high = (
        np.array([row[key] for row in rows]) for key in ("value", "error", "pt_low", "pt_high")
    )
    axes.errorbar(
        np.sqrt(low * high),
        scale * value,
        scale * error,
        color=colour,
        marker=marker,
        markersize=2.5,
        markerfacecolor="white" if hollow else colour,
        markeredgewidth=0.7,
        linestyle="none",
        elinewidth=0.8,
        capsize=0,
        label=label,
    )


def _eta_range(rows: Sequence[Row]) -> str:
    low, high = rows[0]["eta_low"], rows[0]["eta_high"]
    return rf"${low:g} < |\eta| < {high:g}$" if low else rf"$|\eta| < {high:g}$"


def _label(axes: np.ndarray) -> None:
    for one in axes[-1]:
        one.set_xscale("log")
        one.set_xlim(PT_EDGES[0], PT_EDGES[-1])
        one.set_xticks([20, 100, 500], ["20", "100", "500"])
        one.xaxis.set_minor_formatter(NullFormatter())
        one.set_xlabel(r"$p_T$ [GeV]")
    names = ("efficiency", _RATIO_LABEL, "resolution", _RATIO_LABEL)
    for one, name in zip(axes[:, 0], names, strict=True):
        one.set_ylabel(name)
    others = ("b-tag rate", _RATIO_LABEL, "resolution", "response")
    for one, name in zip(axes[:, 3], others, strict=True):
        one.set_ylabel(name)
    for row in axes[:, 1:3]:
        for one in row:
            one.tick_params(labelleft=False)
    hollow = Line2D([], [], color=TRUTH_COLOUR, marker="o", markerfacecolor="white", linestyle="")
    axes[0, 0].legend([hollow], ["isolated, and not\ntaken for a photon"], loc="lower left")
    axes[0, 1].legend(loc="lower left")
    axes[0, 3].legend(loc="upper right")
    if axes[2, 3].get_legend_handles_labels()[0]:  # there may be too few jets
        axes[2, 3].legend(loc="upper right")
    axes[3, 3].legend([hollow], ["before the energy scale"], loc="lower right", handlelength=0.8)
