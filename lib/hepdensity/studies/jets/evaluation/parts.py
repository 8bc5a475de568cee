"""Log-densities of jets by part, in any measure, from score files.

Score files, inputs files and files of classifiers are recognised by their paths,
`scores/<dataset>/<model>/n<n_train>/seed<seed>/all.h5`, `inputs/<dataset>.h5` and
`classifiers/<dataset>/<model>/n<n_train>/seed<seed>.h5`, so rules can list them in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hepdensity.evaluation.scores import FACTOR, place_of_file, place_of_run, read_scores
from hepdensity.models.inputs import read_array, read_layout
from hepdensity.physics.constituents import JetWindow
from hepdensity.studies.jets.coordinates import MEASURES, Coordinates, change_of_measure
from hepdensity.studies.jets.layouts import JetDataset
from hepdensity.studies.jets.score import anomaly_score, negative_log_likelihood

NUMBER, EVENT, PARTICLES = (f"{FACTOR}{name}" for name in ("N", "event", "particles"))
"""Arrays of score files."""

PAPER = "paper"
"""Measure of the paper, the default of all tables and figures."""


@dataclass(frozen=True)
class Parts:
    """Log-densities of jets.

    Attributes:
        jet: log p(N) + log p(pT, eta, mass | N) [nats], shape (m,).
        particles: log p(constituents | jet) [nats], shape (m,).
        n: Numbers of constituents, shape (m,).
    """

    jet: np.ndarray
    particles: np.ndarray
    n: np.ndarray

    def __len__(self) -> int:
        """Number of jets."""
        return len(self.n)

    @property
    def score(self) -> np.ndarray:
        """Anomaly score of eq. 7, shape (m,)."""
        return anomaly_score(self.jet, self.particles, self.n)

    @property
    def whole(self) -> np.ndarray:
        """Log p(jet, N) [nats], shape (m,)."""
        total: np.ndarray = self.jet + self.particles
        return total

    @property
    def nll(self) -> np.ndarray:
        """-log p [nats], shape (m,)."""
        return negative_log_likelihood(self.jet, self.particles)

    @property
    def finite(self) -> np.ndarray:
        """Whether both log-densities are numbers: no solve failed, bool, shape (m,)."""
        finite: np.ndarray = np.isfinite(self.jet) & np.isfinite(self.particles)
        return finite


class PartReader:
    """Reads log-densities of jets by training, group and measure."""

    def __init__(
        self, scores: Iterable[str], inputs: Iterable[str], window: Mapping[str, Any]
    ) -> None:
        """Set the files.

        Args:
            scores: Score files.
            inputs: Inputs files of the datasets.
            window: `pt` and `eta` of the jets.
        """
        self._scores = {place_of_file(path): path for path in scores}
        self._inputs = {Path(path).stem: path for path in inputs}
        self._window = JetWindow(tuple(window["pt"]), window["eta"])
        self._jets: dict[tuple[str, str], tuple[torch.Tensor, torch.Tensor]] = {}

    def read(self, run: Mapping[str, Any], group: str, measure: str = PAPER) -> Parts:
        """Log-densities of a group of jets under a training.

        Args:
            run: The training (see `hepdensity.study.Study.run`).
            group: Group of its dataset.
            measure: Name of a measure (see `hepdensity.studies.jets.coordinates`).

        Raises:
            ValueError: If there is no such score file or group.
        """
        place = place_of_run(run)
        if place not in self._scores:
            raise ValueError(f"no score file of {place[1]} ({place[0]}); score its jets")
        arrays = read_scores(self._scores[place], group).arrays
        jet, rows = self._physical(run["dataset"], group)
        dataset = JetDataset.parse(run["dataset"])
        old = Coordinates("logit", dataset.coordinates, self._window)
        new = replace(MEASURES[measure], window=self._window)
        of_jet, of_rows = (term.numpy() for term in change_of_measure(jet, rows, old, new))
        n = (~torch.isnan(rows[:, :, 2])).sum(dim=1).numpy()
        return Parts(
            jet=arrays[NUMBER] + arrays[EVENT] + of_jet,
            particles=arrays[PARTICLES] + of_rows,
            n=n,
        )

    def _physical(self, dataset: str, group: str) -> tuple[torch.Tensor, torch.Tensor]:
        """pT, eta and mass of jets, and constituents, with the columns of `Coordinates.of`."""
        if (dataset, group) not in self._jets:
            path = self._inputs[dataset]
            coordinates = Coordinates("logit", JetDataset.parse(dataset).coordinates, self._window)
            self._jets[dataset, group] = physical_jets(path, group, coordinates)
        return self._jets[dataset, group]


def physical_jets(
    path: str | Path, group: str, coordinates: Coordinates
) -> tuple[torch.Tensor, torch.Tensor]:
    """Jets of an inputs file in GeV and rad.

    Args:
        path: Inputs file.
        group: Name of the group.
        coordinates: Coordinates of its columns.

    Returns:
        pT, eta and mass, shape (n, 3), and constituents, shape (n, N_max, 3), float64.
    """
    layout, rows = read_layout(path), torch.from_numpy(read_array(path, group))
    events, particles, _, _ = layout.slices
    points = rows[:, particles].unflatten(1, (layout.particles, -1))
    return coordinates.inverse(rows[:, events], points)


def group_of(run: Mapping[str, Any], process: str) -> str:
    """Group of a dataset with the test jets of a process."""
    return "test" if JetDataset.parse(run["dataset"]).process == process else process


def family_of(objective: str) -> str:
    """Family of a density by its loss, as the tables name it."""
    return "flow-matching" if objective == "flow-matching" else "diffusion"


def read_log_odds(path: str | Path, process: str) -> np.ndarray:
    """Log-odds of a classifier for the test jets of a process, shape (m,).

    Args:
        path: File of the classifier's log-odds.
        process: Name of the process.

    Raises:
        ValueError: If there are none.
    """
    found: np.ndarray = read_scores(path, process).arrays["log_odds"]
    return found
