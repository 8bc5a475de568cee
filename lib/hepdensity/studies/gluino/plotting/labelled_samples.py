"""Labelled samples of models, and the events among them that have a given label.

The gluinos of an event are identical particles, so an event represents its 24 relabellings. For the
truth and for models that are symmetric by construction, the average over all relabellings has the
same mean as a count of events. For labels that distinguish the gluinos, its error is much smaller.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from hepdensity.ingest.event_file import read_events
from hepdensity.models.kind import Look
from hepdensity.physics.colour_order import order_to_positions
from hepdensity.physics.events import Events
from hepdensity.plotting.style import note_of
from hepdensity.studies.gluino.evaluation.samples import sampled_events

LEGS = "ab1234"
"""Names of the legs: gluons along +z and -z, then the gluinos."""

LEG_NAMES = ("a: gluon (+z)", "b: gluon (−z)", "1-4: gluinos")
"""Descriptions of the legs for legends."""


@dataclass(frozen=True)
class LabelledSample:
    """Samples of a trained model with helicities and colour orders.

    Attributes:
        model: Name of the model.
        permutation: "none", "stochastic", "sort", or None for a model without such a treatment.
        family: "paper" or "ours".
        n_train: Number of training events.
        seed: Seed of the training.
        events: Valid samples at physical points.
        look: Look of its treatment of labels.
        symmetric: Whether all relabellings of the gluinos have the same density by construction.
    """

    model: str
    permutation: str | None
    family: str
    n_train: int
    seed: int
    events: Events
    look: Look
    symmetric: bool = False

    @property
    def columns(self) -> dict[str, Any]:
        """Columns that all table rows of this sample share."""
        return {
            "model": self.model,
            "family": self.family,
            "permutation": self.permutation,
            "n_train": self.n_train,
            "seed": self.seed,
            "unphysical_fraction": self.events.unphysical_fraction,
            "invalid_fraction": self.events.invalid_fraction,
        }


@dataclass(frozen=True)
class Configuration:
    """A helicity configuration or a colour order of four gluinos.

    Attributes:
        name: Its name in tables.
        kind: "helicity" or "colour".
        values: +1 or -1 for each leg, or the positions in the colour trace of all legs except the
            first (the notation of the public CSV).
    """

    name: str
    kind: str
    values: tuple[int, ...]

    @classmethod
    def helicity(cls, signs: str) -> Configuration:
        """Helicity configuration from signs of the legs, e.g. "++++--"."""
        values = tuple(1 if sign == "+" else -1 for sign in signs)
        return cls(signs, "helicity", values)

    @classmethod
    def colour(cls, positions: str) -> Configuration:
        """Colour order from the positions of the public CSV, e.g. "20134".

        Its name is the sequence of legs in the colour trace (see `LEGS`).
        """
        values = tuple(int(digit) for digit in positions)
        trace = [LEGS[1 + values.index(place)] for place in range(len(values))]
        return cls(LEGS[0] + "".join(trace), "colour", values)

    @property
    def title(self) -> str:
        """Its name in figures, where minus signs are as wide as plus signs."""
        return self.name.replace("-", "−")


@dataclass(frozen=True)
class Selection:
    """Relabelled events with a given label.

    Attributes:
        owner: Index of the original event of each entry, shape (entries,).
        gluinos: Gluinos of the event that become gluinos 1 to 4 by the relabelling, shape
            (entries, 4).
        relabellings: Number of relabellings tried for each event.
        events: Number of events that were searched.
    """

    owner: np.ndarray
    gluinos: np.ndarray
    relabellings: int
    events: int

    def fraction(self) -> tuple[float, float]:
        """Fraction of the events with the label, and its standard error (events are the units)."""
        share = np.bincount(self.owner, minlength=self.events) / self.relabellings
        return float(share.mean()), float(share.std() / math.sqrt(self.events))

    def momenta(self, events: Events) -> np.ndarray:
        """Relabelled momenta of gluinos 1 to 4, shape (entries, 4, 4).

        Args:
            events: The events that were searched.
        """
        selected: np.ndarray = events.momenta[self.owner[:, None], self.gluinos]
        return selected


def read_labelled_inputs(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[list[LabelledSample], Events, str | None]:
    """Read what a figure of labels shows: samples, labelled events, and the text of its note.

    Args:
        files: `samples` and `summaries` of the trainings, and `events`.
        settings: `runs` (the trainings) and `preset`.
    """
    samples = read_labelled_samples(files["samples"], settings["runs"])
    return samples, read_labelled_events(files["events"]), note_of(files, settings)


def read_labelled_samples(
    paths: Sequence[str | Path], runs: Sequence[Mapping[str, Any]]
) -> list[LabelledSample]:
    """Read the samples of several labelled models, one training per model.

    Args:
        paths: Files of samples.
        runs: Their trainings (see `hepdensity.study.Study.run`).

    Raises:
        ValueError: If a model has two trainings, or a file has no labels or no events.
    """
    check_one_per_model(runs)
    keys = ("model", "permutation", "family", "n_train", "seed", "symmetric")
    return [
        LabelledSample(
            **{key: run[key] for key in keys},
            events=_checked(path, sampled_events(path)),
            look=Look(**run["treatment"]),
        )
        for path, run in zip(paths, runs, strict=True)
    ]


def read_labelled_events(path: str | Path) -> Events:
    """Read events that have helicities and colour orders.

    Args:
        path: An event file.

    Raises:
        ValueError: If the events have no labels, or there are no events.
    """
    return _checked(path, read_events(path))


def _checked(path: str | Path, events: Events) -> Events:
    if events.helicities is None or events.colour_order is None:
        raise ValueError(f"{path}: events without helicities or colour orders; use labelled events")
    if len(events) == 0:
        raise ValueError(f"{path}: no valid samples; train the model longer or draw more samples")
    return events


def check_one_per_model(runs: Sequence[Mapping[str, Any]]) -> None:
    """Check that there is only one training per model, as some figures need.

    Args:
        runs: The trainings.

    Raises:
        ValueError: If a model appears twice.
    """
    models = [run["model"] for run in runs]
    for model in models:
        if models.count(model) > 1:
            raise ValueError(f"two trainings of {model}; give only one n_train and one seed")


def select(events: Events, configuration: Configuration, symmetric: bool = True) -> Selection:
    """Find the relabelled events that have a label.

    Args:
        events: Labelled events with four gluinos.
        configuration: The label.
        symmetric: Whether to search all relabellings of the gluinos or only the original events.
    """
    columns = _label_columns(events, configuration.kind)
    values = np.array(configuration.values)
    fixed = len(values) - events.n_out
    candidates = np.flatnonzero((columns[:, :fixed] == values[:fixed]).all(axis=1))
    of_gluinos = columns[candidates, fixed:]
    tried = list(permutations(range(events.n_out))) if symmetric else [tuple(range(events.n_out))]
    owners, gluinos = [], []
    for relabelling in tried:
        found = candidates[(of_gluinos[:, relabelling] == values[fixed:]).all(axis=1)]
        owners.append(found)
        gluinos.append(np.tile(relabelling, (len(found), 1)))
    return Selection(np.concatenate(owners), np.concatenate(gluinos), len(tried), len(events))


def _label_columns(events: Events, kind: str) -> np.ndarray:
    """Labels as columns; the label of gluino i is in the i-th of the last four columns."""
    if kind == "helicity":
        assert events.helicities is not None
        return events.helicities
    assert events.colour_order is not None
    return order_to_positions(events.colour_order)


def facets(samples: Sequence[LabelledSample]) -> dict[str | None, list[LabelledSample]]:
    """Group samples by permutation treatment; samples without one appear in every group.

    Args:
        samples: The samples.
    """
    treatments = list(dict.fromkeys(sample.permutation for sample in samples))
    shown = [treatment for treatment in treatments if treatment is not None] or treatments
    return {
        treatment: [s for s in samples if s.permutation in (treatment, None)] for treatment in shown
    }


def legend_lines(samples: Sequence[LabelledSample], points: bool = False) -> list[Line2D]:
    """Legend entries: the treatment, and the fractions of unphysical and invalid samples.

    Args:
        samples: The samples.
        points: Whether the figure shows markers instead of lines.
    """
    lines = []
    for sample in samples:
        lost = {"unphysical": sample.events.unphysical_fraction,
                "invalid": sample.events.invalid_fraction}  # fmt: skip
        words = [f", {100 * part:.2g} % {name}" for name, part in lost.items() if part > 0]
        look = sample.look
        style: dict[str, Any] = {"linestyle": "none", "marker": look.marker} if points else {}
        lines.append(Line2D([], [], color=look.colour, label=look.label + "".join(words), **style))
    return lines
