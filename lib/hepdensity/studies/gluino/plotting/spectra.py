"""Spectra of samples compared with the truth (Verheyen 2022, arXiv:2205.01697, figures 3 and 4).

The gluinos are identical particles, so the truth is pooled over all gluinos or all pairs. The
gluinos of a model are shown separately, because the figures are meant to show whether they differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepdensity.ingest.event_file import read_events
from hepdensity.models.kind import Look
from hepdensity.physics.events import Events, invariant_mass, pair_masses
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
    PALETTE,
    WIDTH,
    draw_note,
    draw_title,
    journal_style,
    note_of,
    sequence_colours,
    short_number,
)
from hepdensity.studies.gluino.evaluation.samples import sampled_events

ENERGY = Binning(50, 601.0, 999.0)
"""Bins of the gluino energy [GeV], as in the paper."""

DIGLUINO_MASS = Binning(50, 1220.0, 1770.0)
"""Bins of the mass of a pair of gluinos [GeV], as in the paper."""

_HEIGHT = 3.6
_UNIT = r"  [$\mathrm{10^{-3}}$ $\mathrm{GeV^{-1}}$]"


@dataclass(frozen=True)
class Sample:
    """Samples of a trained model.

    Attributes:
        model: Name of the model.
        n_train: Number of training events.
        seed: Seed of the training.
        momenta: Gluino momenta (E, px, py, pz) [GeV], shape (n, 4, 4).
        drawn: Number of samples drawn, including unphysical ones.
        unphysical: Fraction of unphysical samples.
        look: Its look.
    """

    model: str
    n_train: int
    seed: int
    momenta: np.ndarray
    drawn: int
    unphysical: float
    look: Look

    @classmethod
    def of_events(cls, events: Events, run: Mapping[str, Any]) -> Sample:
        """Make a sample from events.

        Args:
            events: Events of source "model".
            run: Their training (see `hepdensity.study.Study.run`).

        Raises:
            ValueError: If the number of samples drawn is unknown.
        """
        if events.drawn is None:
            raise ValueError(
                f"{run['model']}: the number of samples drawn is unknown; draw them again"
            )
        return cls(
            model=run["model"],
            n_train=run["n_train"],
            seed=run["seed"],
            momenta=events.momenta,
            drawn=events.drawn,
            unphysical=events.unphysical_fraction,
            look=Look(**run["look"]),
        )


@dataclass(frozen=True)
class _Line:
    """A density in a panel, with its colour, its name and the labels of its table rows."""

    density: BinnedDensity
    colour: str
    label: str
    labels: dict[str, Any]


@dataclass(frozen=True)
class _Panel:
    """The densities of one model."""

    title: str
    subtitle: str | None
    lines: list[_Line]


def gluino_energy(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw figure 3.

    Args:
        files: `samples` and `summaries` of the trainings, and `events`.
        settings: `runs` (the trainings) and `preset`.
    """
    truth = read_events(files["events"]).momenta
    return energy_figure(_samples(files, settings), truth, note_of(files, settings))


def digluino_mass(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw figure 4.

    Args:
        files: `samples` and `summaries` of the trainings, and `events`.
        settings: `runs` (the trainings) and `preset`.
    """
    truth = read_events(files["events"]).momenta
    return digluino_mass_figure(_samples(files, settings), truth, note_of(files, settings))


def _samples(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Sample]:
    return [
        Sample.of_events(sampled_events(path), run)
        for path, run in zip(files["samples"], settings["runs"], strict=True)
    ]


def energy_figure(
    samples: Sequence[Sample], truth: np.ndarray, note: str | None = None
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw the energies of the four gluinos, one panel per sample (figure 3).

    Args:
        samples: One per model.
        truth: Gluino momenta of the true events (E, px, py, pz) [GeV], shape (n, 4, 4).
        note: Text to write on the figure.

    Returns:
        The figure and the rows of its table.
    """
    expected = binned_density(truth[:, :, 0], ENERGY, len(truth))
    panels = []
    for sample in samples:
        lines = []
        for gluino in range(sample.momenta.shape[1]):
            density = binned_density(sample.momenta[:, gluino, 0], ENERGY, sample.drawn)
            labels = {**_labels(sample), "gluino": gluino + 1}
            lines.append(_Line(density, PALETTE[gluino], f"gluino {gluino + 1}", labels))
        size = f"{short_number(sample.n_train)} events{_unphysical(sample)}"
        panels.append(_Panel(sample.look.label, size, lines))
    axis_labels = ("$E$ [GeV]", r"$\mathrm{(1/}N\mathrm{)}\;dN/dE$" + _UNIT)
    return _draw(panels, expected, axis_labels, "energy", note)


def digluino_mass_figure(
    samples: Sequence[Sample], truth: np.ndarray, note: str | None = None
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw the mass of gluinos 1 and 2, one panel per model, one line per size (figure 4).

    Args:
        samples: One per model and training-set size.
        truth: Gluino momenta of the true events (E, px, py, pz) [GeV], shape (n, 4, 4).
        note: Text to write on the figure.

    Returns:
        The figure and the rows of its table.
    """
    expected = binned_density(pair_masses(truth), DIGLUINO_MASS, len(truth))
    colours = sequence_colours([sample.n_train for sample in samples])
    panels: dict[str, list[_Line]] = {}
    for sample in sorted(samples, key=lambda sample: sample.n_train):
        pair = sample.momenta[:, 0] + sample.momenta[:, 1]
        density = binned_density(invariant_mass(pair), DIGLUINO_MASS, sample.drawn)
        label = f"{short_number(sample.n_train)} events{_unphysical(sample)}"
        line = _Line(density, colours[sample.n_train], label, _labels(sample))
        panels.setdefault(sample.model, []).append(line)
    labels = {sample.model: sample.look.label for sample in samples}
    drawn = [_Panel(label, None, panels[model]) for model, label in labels.items()]
    symbol = r"m_{\mathrm{12}}"
    axis_labels = (f"${symbol}$ [GeV]", rf"$\mathrm{{(1/}}N\mathrm{{)}}\;dN/d{symbol}$" + _UNIT)
    return _draw(drawn, expected, axis_labels, "mass", note)


def _labels(sample: Sample) -> dict[str, Any]:
    return {"model": sample.model, "n_train": sample.n_train, "seed": sample.seed}


def _unphysical(sample: Sample) -> str:
    return f", {100 * sample.unphysical:.2g} % unphysical" if sample.unphysical > 0 else ""


def _draw(
    panels: Sequence[_Panel],
    truth: BinnedDensity,
    axis_labels: tuple[str, str],
    variable: str,
    note: str | None,
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw panels side by side, each above its ratio panel."""
    with journal_style():
        # Three panels fill the width; more panels make the figure wider, so that legends still fit.
        figure = Figure(figsize=(WIDTH * max(1, len(panels) / 3), _HEIGHT))
        axes = figure.subplots(
            2, len(panels), sharex=True, sharey="row", squeeze=False, height_ratios=[2.6, 1]
        )
        for panel, (upper, lower) in zip(panels, axes.T, strict=True):
            _draw_panel(upper, lower, panel, truth)
            lower.set_xlabel(axis_labels[0])
        axes[0, 0].set_ylabel(axis_labels[1])
        axes[1, 0].set_ylabel("model / truth", loc="center")
        every = [line for panel in panels for line in panel.lines]
        _set_ranges(axes[0, 0], axes[1, 0], [line.density for line in every], truth)
        draw_note(figure, note)
    rows = [density_rows(line.density, truth, variable, line.labels) for line in every]
    return figure, [row for group in rows for row in group]


def _draw_panel(upper: Axes, lower: Axes, panel: _Panel, truth: BinnedDensity) -> None:
    draw_title(upper, panel.title)
    draw_truth(upper, truth, "truth")
    draw_ratio_frame(lower, truth)
    for line in panel.lines:
        draw_density(upper, line.density, line.colour, line.label)
        draw_ratio(lower, line.density, truth, line.colour)
    upper.legend(loc="upper right", title=panel.subtitle, title_fontsize=7.5)


def _set_ranges(
    upper: Axes, lower: Axes, densities: Sequence[BinnedDensity], truth: BinnedDensity
) -> None:
    highest = max(float(density.density.max()) for density in [*densities, truth])
    upper.set_ylim(0, 1.45 * highest)
    upper.set_xlim(truth.edges[0], truth.edges[-1])
    upper.yaxis.set_major_formatter(lambda value, _: f"{1000 * value:g}")
    lower.set_ylim(*ratio_range([density_ratio(density, truth)[0] for density in densities]))
