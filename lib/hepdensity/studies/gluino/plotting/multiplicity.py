"""Spectra of events with two and four gluinos (Verheyen 2022, arXiv:2205.01697, figure 7).

Both come from one model, but each process is sampled separately and normalised to its fraction of
the cross-section.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hepdensity.evaluation.runs import objective_name
from hepdensity.ingest.event_file import read_events
from hepdensity.models.kind import Look
from hepdensity.physics.events import Events, pair_masses
from hepdensity.plotting.histograms import (
    BinnedDensity,
    Binning,
    binned_density,
    density_ratio,
    density_rows,
    draw_density,
    draw_ratio,
    draw_ratio_frame,
    draw_truth,
    ratio_range,
)
from hepdensity.plotting.style import (
    TRUTH_COLOUR,
    WIDTH,
    draw_facet_legend,
    draw_facet_name,
    draw_note,
    journal_style,
    note_of,
    scaled_density_label,
)
from hepdensity.studies.gluino.evaluation.samples import sampled_events
from hepdensity.studies.gluino.plotting.labelled_samples import check_one_per_model
from hepdensity.studies.gluino.plotting.spectra import DIGLUINO_MASS

TRANSVERSE_MOMENTUM = Binning(50, 0.001, 1370.0)
"""Bins of the transverse momentum of a gluino [GeV], as in the paper."""

LINES: dict[str, tuple[str, Any]] = {
    "two_gluino": ("two gluinos", (0, (3, 1.2))),
    "four_gluino": ("four gluinos", "-"),
}
"""Process -> its name and line style; the paper shows two gluinos first."""

MASS_LABEL = r"m_{\mathrm{12}}"
PT_LABEL = r"p_{\mathrm{T,1}}"

_BLOCK_HEIGHT = 4.0
_DEPTH = 1000
"""Ratio of the four-gluino maximum to the lowest density shown."""

Spectra = dict[tuple[str, str], BinnedDensity]
"""(process, variable) -> density times the fraction of the process."""


@dataclass(frozen=True)
class ProcessSamples:
    """Samples of one training, drawn separately for each process.

    Attributes:
        model: Name of the model.
        objective: Its training objective, as written in tables; None if the model has none.
        permutation: Its permutation treatment.
        n_train: Number of training events.
        seed: Seed of the training.
        events: Process -> its samples.
        look: Look of its treatment of absent particles.
    """

    model: str
    objective: str | None
    permutation: str | None
    n_train: int
    seed: int
    events: Mapping[str, Events]
    look: Look

    @property
    def columns(self) -> dict[str, Any]:
        """Columns that all table rows of this training share."""
        return {
            "model": self.model,
            "objective": self.objective,
            "permutation": self.permutation,
            "n_train": self.n_train,
            "seed": self.seed,
        }


def varying_dimension(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw figure 7.

    Args:
        files: For each process, samples of the trainings and `events_<process>`; `summaries`.
        settings: `runs` (the trainings), `p_four` and `preset`.
    """
    samples = read_process_samples({name: files[name] for name in LINES}, settings["runs"])
    truth = {name: read_events(files[f"events_{name}"]) for name in LINES}
    return varying_dimension_figure(samples, truth, settings["p_four"], note_of(files, settings))


def read_process_samples(
    paths: Mapping[str, Sequence[str | Path]], runs: Sequence[Mapping[str, Any]]
) -> list[ProcessSamples]:
    """Read samples of several models, one training per model.

    Args:
        paths: Process -> files of samples, one per run.
        runs: Their trainings (see `hepdensity.study.Study.run`).

    Raises:
        ValueError: If a model has two trainings, or a file has samples of another process.
    """
    check_one_per_model(runs)
    keys = ("model", "permutation", "n_train", "seed")
    files = [dict(zip(paths, group, strict=True)) for group in zip(*paths.values(), strict=True)]
    return [
        ProcessSamples(
            **{key: run[key] for key in keys},
            objective=objective_name(run["objective"]),
            events={process: _read(path, process) for process, path in group.items()},
            look=Look(**run["treatment"]),
        )
        for run, group in zip(runs, files, strict=True)
    ]


def _read(path: str | Path, process: str) -> Events:
    events = sampled_events(path)
    if events.process != process:
        raise ValueError(f"{path}: samples of {events.process}, not of {process}; draw them again")
    return events


def varying_dimension_figure(
    samples: Sequence[ProcessSamples],
    truth: Mapping[str, Events],
    p_four: float,
    note: str | None = None,
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw transverse momenta and masses of pairs, one block of panels per permutation treatment.

    Args:
        samples: One per model.
        truth: Process -> its events.
        p_four: Fraction of four-gluino events in the cross-section.
        note: Text to write on the figure.

    Returns:
        The figure and the rows of its table.
    """
    expected = _spectra(truth, p_four, pooled=True)
    found = {sample.model: _spectra(sample.events, p_four) for sample in samples}
    permutations = list(dict.fromkeys(sample.permutation for sample in samples))
    groups = {key: [s for s in samples if s.permutation == key] for key in permutations}
    with journal_style():
        figure = Figure(figsize=(WIDTH, 0.7 + _BLOCK_HEIGHT * len(groups)))
        grid = figure.add_gridspec(3 * len(groups), 2, height_ratios=[2.4, 1, 1] * len(groups))
        for i, (permutation, members) in enumerate(groups.items()):
            lines = [(found[member.model], member.look.colour) for member in members]
            panels = [figure.add_subplot(grid[3 * i + j, 0]) for j in range(3)]
            _draw_momentum(panels, lines, expected)
            upper = figure.add_subplot(grid[3 * i : 3 * i + 2, 1])
            _draw_mass(upper, figure.add_subplot(grid[3 * i + 2, 1]), lines, expected)
            draw_facet_name(upper, permutation)
        keys = [
            Line2D([], [], color="black", linestyle=line, label=name)
            for name, line in LINES.values()
        ]
        entries = {key: [_legend_line(member) for member in group] for key, group in groups.items()}
        draw_facet_legend(figure, entries, keys)
        draw_note(figure, note)
    rows = [
        density_rows(density, expected[key], "bin", {**sample.columns, **_names(key)})
        for sample in samples
        for key, density in found[sample.model].items()
    ]
    return figure, [row for group in rows for row in group]


def _names(key: tuple[str, str]) -> dict[str, str]:
    return dict(zip(("process", "variable"), key, strict=True))


def _spectra(events: Mapping[str, Events], p_four: float, pooled: bool = False) -> Spectra:
    """Spectra of gluino 1 and of gluinos 1 and 2, or pooled over all gluinos and pairs."""
    two, four = events["two_gluino"], events["four_gluino"]
    return {
        ("two_gluino", "pt"): _momentum(two, pooled).scaled(1 - p_four),
        ("four_gluino", "pt"): _momentum(four, pooled).scaled(p_four),
        ("four_gluino", "mass"): _mass(four, pooled).scaled(p_four),
    }


def _momentum(events: Events, pooled: bool) -> BinnedDensity:
    momenta = events.momenta if pooled else events.momenta[:, :1]
    values = np.hypot(momenta[..., 1], momenta[..., 2])
    return binned_density(values, TRANSVERSE_MOMENTUM, events.drawn or len(events))


def _mass(events: Events, pooled: bool) -> BinnedDensity:
    values = pair_masses(events.momenta if pooled else events.momenta[:, :2])
    return binned_density(values, DIGLUINO_MASS, events.drawn or len(events))


Lines = Sequence[tuple[Spectra, str]]


def _draw_momentum(panels: Sequence[Axes], lines: Lines, truth: Spectra) -> None:
    """Draw transverse momenta of both processes, and a ratio panel for each process."""
    upper = panels[0]
    for panel, (process, (name, style)) in zip(panels[1:], LINES.items(), strict=True):
        key = (process, "pt")
        draw_density(upper, truth[key], TRUTH_COLOUR, linestyle=style)
        for spectra, colour in lines:
            draw_density(upper, spectra[key], colour, linestyle=style)
        _draw_ratios(panel, key, lines, truth)
        panel.set_ylabel(f"{name}\nmodel / truth", loc="center", fontsize=7.5)
        panel.sharex(upper)
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    upper.set_xlim(0, TRANSVERSE_MOMENTUM.high)
    upper.set_yscale("log")
    four, two = (truth[process, "pt"].density.max() for process in ("four_gluino", "two_gluino"))
    upper.set_ylim(four / _DEPTH, two * 5)
    upper.set_ylabel(rf"{_density_of(PT_LABEL)}  [$\mathrm{{GeV^{{-1}}}}$]")
    panels[-1].set_xlabel(f"${PT_LABEL}$ [GeV]")


def _draw_mass(upper: Axes, lower: Axes, lines: Lines, truth: Spectra) -> None:
    """Draw masses of pairs in four-gluino events above their ratio panel."""
    key = ("four_gluino", "mass")
    draw_truth(upper, truth[key])
    for spectra, colour in lines:
        draw_density(upper, spectra[key], colour)
    _draw_ratios(lower, key, lines, truth)
    lower.sharex(upper)
    upper.tick_params(labelbottom=False)
    highest = float(truth[key].density.max())
    highest = max([highest, *(float(spectra[key].density.max()) for spectra, _ in lines)])
    upper.set_xlim(DIGLUINO_MASS.low, DIGLUINO_MASS.high)
    upper.set_ylim(0, 1.1 * highest)
    upper.set_ylabel(scaled_density_label(upper, highest, _density_of(MASS_LABEL), "GeV"))
    lower.set_xlabel(f"${MASS_LABEL}$ [GeV]")


def _draw_ratios(axes: Axes, key: tuple[str, str], lines: Lines, truth: Spectra) -> None:
    draw_ratio_frame(axes, truth[key])
    for spectra, colour in lines:
        draw_ratio(axes, spectra[key], truth[key], colour)
    axes.set_ylim(*ratio_range([density_ratio(s[key], truth[key])[0] for s, _ in lines]))
    axes.set_ylabel("model / truth", loc="center", fontsize=7.5)


def _density_of(symbol: str) -> str:
    return rf"$\mathrm{{(1/}}\sigma\mathrm{{)}}\;d\sigma/d{symbol}$"


def _legend_line(sample: ProcessSamples) -> Line2D:
    lost = sample.events["four_gluino"].unphysical_fraction
    ending = f", {100 * lost:.2g} % unphysical" if lost > 0 else ""
    return Line2D([], [], color=sample.look.colour, label=sample.look.label + ending)
