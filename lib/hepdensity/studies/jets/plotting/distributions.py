"""Figures 1, 2, 4 and 6: log-densities of jets (Mikuni and Nachman 2024, arXiv:2306.03933)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepdensity.evaluation.scores import place_of_run
from hepdensity.files import read_json
from hepdensity.plotting.histograms import BinnedDensity, Binning, binned_density, draw_density
from hepdensity.plotting.style import WIDTH, draw_note, draw_title, journal_style, note_of
from hepdensity.studies.jets.evaluation.parts import PAPER, PartReader, Parts, group_of
from hepdensity.studies.jets.plotting.looks import (
    DASHES,
    LOSSES,
    colour_of,
    drawn_runs,
    name_of,
    trained_processes,
)

Rows = list[dict[str, Any]]
BINS = 30
_EDGE = 0.005
"""Fraction of jets beyond each end of an axis."""


def score_distribution(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, Rows]:
    """Draw figure 2 or 4: scores of eq. 7 of a model trained on one process.

    Args:
        files: `scores`, `inputs` and `summaries` of the trainings.
        settings: `runs`, `processes`, `window`, `preset`, and `trained_on`, the process.
    """
    with journal_style():
        figure = Figure(figsize=(WIDTH / 2, 2.7))
        axes = figure.subplots()
        reader = PartReader(files["scores"], files["inputs"], settings["window"])
        rows = _draw_panel(axes, reader, settings, settings["trained_on"], lambda one: one.score)
        axes.set_xlabel(r"anomaly score (eq. 7) [nats]")
        axes.set_ylabel("fraction of jets / nat")
        draw_title(axes, f"trained on {name_of(settings['trained_on'])} jets")
        draw_note(figure, note_of(files, settings))
    return figure, rows


def nll_distribution(files: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Figure, Rows]:
    """Draw figure 6: -log p of jet and particles, one panel per process that was trained on.

    Args:
        files: `scores`, `inputs` and `summaries` of the trainings.
        settings: `runs`, `processes`, `window` and `preset`.
    """
    trained = trained_processes(settings["runs"])
    with journal_style():
        figure = Figure(figsize=(WIDTH, 2.7))
        panels = figure.subplots(1, len(trained), squeeze=False)[0]
        reader = PartReader(files["scores"], files["inputs"], settings["window"])
        rows: Rows = []
        for axes, process in zip(panels, trained, strict=True):
            rows += _draw_panel(axes, reader, settings, process, lambda one: one.nll)
            axes.set_xlabel(r"$-\log\,p$ (measure of the paper) [nats]")
            axes.set_ylabel("fraction of jets / nat")
            draw_title(axes, f"trained on {name_of(process)} jets")
        draw_note(figure, note_of(files, settings))
    return figure, rows


def _draw_panel(
    axes: Axes,
    reader: PartReader,
    settings: Mapping[str, Any],
    trained_on: str,
    value: Callable[[Parts], np.ndarray],
) -> Rows:
    """Histograms of a value for all processes and losses."""
    runs, processes = drawn_runs(settings["runs"], trained_on), settings["processes"]
    found: dict[tuple[str, str], np.ndarray] = {}
    for run in runs:
        for process in processes:
            parts = reader.read(run, group_of(run, process), PAPER)
            found[run["objective"], process] = value(parts)[parts.finite]
    everything = np.concatenate(list(found.values()))
    low, high = np.quantile(everything, [_EDGE, 1 - _EDGE])
    binning = Binning(BINS, low, high)
    rows: Rows = []
    for (loss, process), values in found.items():
        density = binned_density(values, binning, len(values))
        draw_density(axes, density, colour_of(process, processes), None, DASHES[loss])
        named = {"trained_on": trained_on, "loss": loss, "process": process, "measure": PAPER}
        rows += _histogram_rows(density, named)
    for process in processes:
        axes.plot([], [], color=colour_of(process, processes), label=name_of(process))
    for loss in (run["objective"] for run in runs):
        axes.plot([], [], color="black", linestyle=DASHES[loss], label=LOSSES[loss])
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1.45 * axes.get_ylim()[1])
    axes.legend(ncols=2, loc="upper center")
    return rows


def _histogram_rows(density: BinnedDensity, named: Mapping[str, Any]) -> Rows:
    columns = zip(
        density.edges[:-1], density.edges[1:], density.density, density.error, strict=True
    )
    return [
        {
            **named,
            **{"bin_low": float(low), "bin_high": float(high)},
            **{"density": float(value), "density_error": float(error)},
        }
        for low, high, value, error in columns
    ]


def permutations(files: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Figure, Rows]:
    """Draw figure 1: -log p of the particles of one jet per process, in random orders.

    Args:
        files: `accuracies` and `summaries` of the trainings.
        settings: `runs`, `processes`, `preset`, and `trained_on`, the process.
    """
    told = zip(settings["runs"], files["accuracies"], strict=True)
    paths = {place_of_run(run): path for run, path in told}
    runs = drawn_runs(settings["runs"], settings["trained_on"])
    rows: Rows = []
    with journal_style():
        figure = Figure(figsize=(WIDTH / 2, 2.7))
        axes = figure.subplots()
        for run in runs[:1]:
            path = paths[place_of_run(run)]
            found: Mapping[str, Sequence[float]] = read_json(path)["permutations"]
            for process in settings["processes"]:
                values = np.array(found[group_of(run, process)])
                spread = np.ptp(values)
                colour = colour_of(process, settings["processes"])
                label = f"{name_of(process)}: spread {spread:.1g} nats"
                axes.plot(np.arange(len(values)), values, ".", color=colour, label=label)
                rows += [
                    {"trained_on": run["dataset"], "loss": run["objective"], "process": process}
                    | {"order": order, "nll_particles": float(one)}
                    for order, one in enumerate(values)
                ]
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.1 * (high - low), high + 0.45 * (high - low))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("number of the permutation")
        axes.set_ylabel(r"$-\log\,p$(particles | jet) [nats]")
        axes.legend(loc="upper left")
        draw_title(axes, f"one jet each, trained on {name_of(settings['trained_on'])} jets")
        draw_note(figure, note_of(files, settings))
    return figure, rows
