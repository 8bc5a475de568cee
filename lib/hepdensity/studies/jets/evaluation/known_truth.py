"""Rows of `jets_known_truth.csv`: learned densities and ratios against the known ones.

The jets are samples of trained flow-matching densities, one per process, whose log-densities are
exact. Other models learn from these samples, so their distance to the truth can be measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.evaluation.anomaly import effective_number
from hepdensity.evaluation.auc import auc_with_error
from hepdensity.evaluation.estimates import columns, mean_with_error, ratio_with_error
from hepdensity.evaluation.resampling import interval
from hepdensity.evaluation.scores import place_of_run, read_scores
from hepdensity.models.inputs import read_array, read_layout
from hepdensity.studies.jets.evaluation.parts import EVENT, NUMBER, PARTICLES
from hepdensity.studies.jets.layouts import JetDataset

BOTH, JET, ALONE = "jet and particles", "jet", "particles"
PARTS = (BOTH, JET, ALONE)

SIGNAL_EFFICIENCIES = (0.3, 0.5)
LEAST_PASSING = 10
"""Background samples that must pass for a rejection."""

CLEAR = 2.0
"""Standard errors beyond which a learned ratio above the truth is flagged."""


@dataclass(frozen=True)
class LogDensities:
    """Log-densities of samples by part [nats].

    Attributes:
        jet: log p(N) + log p(pT, eta, mass | N), shape (m,).
        particles: log p(constituents | jet), shape (m,).
    """

    jet: np.ndarray
    particles: np.ndarray

    def of(self, part: str) -> np.ndarray:
        """Log-density of a part, shape (m,)."""
        found: np.ndarray = {BOTH: self.jet + self.particles, JET: self.jet, ALONE: self.particles}[
            part
        ]
        return found


@dataclass(frozen=True)
class Pair:
    """Log-ratios of two densities, signal over background, for samples of both.

    Attributes:
        background: Process of the denominator.
        signal: Process of the numerator.
        true: (true log-ratio for background samples, for signal samples) [nats].
        learned: The same, learned.
    """

    background: str
    signal: str
    true: tuple[np.ndarray, np.ndarray]
    learned: tuple[np.ndarray, np.ndarray]


class KnownTruths:
    """True and learned log-densities of samples by dataset and group."""

    def __init__(self, files: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> None:
        """Set the files.

        Args:
            files: `inputs`, `truths` and `scores` (of `runs`).
            runs: Trainings on samples.
        """
        self._inputs = {Path(path).stem: path for path in files["inputs"]}
        self._truths = {Path(path).stem: path for path in files["truths"]}
        self._scores = {
            place_of_run(run): path for run, path in zip(runs, files["scores"], strict=True)
        }

    def log_densities(self, run: Mapping[str, Any], group: str) -> tuple[LogDensities, ...]:
        """True and learned log-densities of a group of the dataset of a training."""
        paths = self._truths[run["dataset"]], self._scores[place_of_run(run)]
        return tuple(_read(path, group) for path in paths)

    def numbers(self, dataset: str) -> np.ndarray:
        """Numbers of constituents of the test samples of a dataset, shape (m,)."""
        layout = read_layout(self._inputs[dataset])
        rows = read_array(self._inputs[dataset], "test")
        _, particles, _, _ = layout.slices
        points = rows[:, particles].reshape(len(rows), layout.particles, -1)
        number: np.ndarray = (~np.isnan(points[:, :, 0])).sum(axis=1)
        return number

    def pair(self, background: Mapping[str, Any], signal: Mapping[str, Any], part: str) -> Pair:
        """Log-ratios of a part of the densities of two trainings."""
        names = [JetDataset.parse(run["dataset"]).process for run in (background, signal)]
        ratios = []
        for name in names:
            above, below = (
                self.log_densities(run, "test" if own == name else name)
                for run, own in ((signal, names[1]), (background, names[0]))
            )
            true, learned = (a.of(part) - b.of(part) for a, b in zip(above, below, strict=True))
            kept = np.isfinite(true) & np.isfinite(learned)
            ratios.append((true[kept], learned[kept]))
        (true_background, learned_background), (true_signal, learned_signal) = ratios
        return Pair(
            background=names[0],
            signal=names[1],
            true=(true_background, true_signal),
            learned=(learned_background, learned_signal),
        )


def known_truth_table(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of the table: one per pair of processes, learned model, and part of the density.

    `kl_*` is the Kullback-Leibler distance of the true from the learned density [nats per jet], the
    mean of log p - log q over samples of the truth, which are not those of the training;
    `kl_*_per_particle` is its particle part per constituent. `auc_true` and `auc_learned` are those
    of both log-ratios, `auc_gap` is learned minus true; its interval contains 68 % of paired
    bootstrap draws. A ratio cannot be better than the true one, so `above_truth` flags a gap of
    more than two standard errors above zero. `rejection_*` is one over the background efficiency at
    30 and 50 % signal, empty if fewer than ten background samples pass. `slope` is that of the true
    log-ratio over the learned one in a straight fit to all samples, 1 if calibrated. `mean_ratio`
    is the mean of the learned ratio over background samples, 1 if both densities are right, and
    `mean_ratio_samples` the effective number of samples behind it: only the jet part has enough.

    Args:
        files: `inputs`, `truths` and `scores`.
        settings: `runs` (trainings on samples), `pairs` (background, signal), `draws` and `seed`.
    """
    truths = KnownTruths(files, settings["runs"])
    return [
        _row(truths, background, signal, part, settings)
        for background, signal in paired(settings)
        for part in PARTS
    ]


def paired(settings: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Trainings of the same model on both processes of each pair.

    Args:
        settings: `runs` and `pairs`.
    """
    for background, signal in settings["pairs"]:
        for run in settings["runs"]:
            if JetDataset.parse(run["dataset"]).process != background:
                continue
            for other in settings["runs"]:
                same = all(other[key] == run[key] for key in ("model", "n_train", "seed"))
                if same and JetDataset.parse(other["dataset"]).process == signal:
                    yield run, other


def _row(
    truths: KnownTruths,
    background: Mapping[str, Any],
    signal: Mapping[str, Any],
    part: str,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    pair = truths.pair(background, signal, part)
    row: dict[str, Any] = {
        **{"background": pair.background, "signal": pair.signal, "part": part},
        **{key: background[key] for key in ("model", "n_train", "seed")},
    }
    for name, run in (("background", background), ("signal", signal)):
        row |= _distance(truths, run, part, f"kl_{name}")
    return row | _areas(pair, settings) | _rejections(pair) | _calibration(pair)


def _distance(
    truths: KnownTruths, run: Mapping[str, Any], part: str, name: str
) -> dict[str, float | None]:
    true, learned = truths.log_densities(run, "test")
    distance = true.of(part) - learned.of(part)
    kept = np.isfinite(distance)
    found = columns(name, mean_with_error(distance[kept]))
    if part == JET:
        return found | columns(f"{name}_per_particle", None)
    alone = (true.particles - learned.particles)[kept]
    n = truths.numbers(run["dataset"])[kept]
    return found | columns(f"{name}_per_particle", ratio_with_error(alone, n))


def _areas(pair: Pair, settings: Mapping[str, Any]) -> dict[str, Any]:
    true, learned = auc_with_error(*pair.true), auc_with_error(*pair.learned)
    random = np.random.default_rng(settings["seed"])
    gaps = np.array([_gap(pair, random) for _ in range(settings["draws"])])
    gap, error = learned.value - true.value, float(gaps.std(ddof=1))
    low, high = interval(gaps)
    return {
        **columns("auc_true", true),
        **columns("auc_learned", learned),
        **{"auc_gap": gap, "auc_gap_low": low, "auc_gap_high": high, "auc_gap_error": error},
        "above_truth": gap > CLEAR * error,
    }


def _gap(pair: Pair, random: np.random.Generator) -> float:
    """AUC of the learned minus the true ratio for resampled jets."""
    chosen = [random.integers(len(values), size=len(values)) for values in pair.true]
    areas = [
        auc_with_error(*(values[rows] for values, rows in zip(of, chosen, strict=True))).value
        for of in (pair.learned, pair.true)
    ]
    return areas[0] - areas[1]


def _rejections(pair: Pair) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for efficiency in SIGNAL_EFFICIENCIES:
        for name, (background, signal) in (("true", pair.true), ("learned", pair.learned)):
            threshold = np.quantile(signal, 1 - efficiency)
            passing = int((background > threshold).sum())
            value = len(background) / passing if passing >= LEAST_PASSING else None
            found[f"rejection_{name}_{100 * efficiency:.0f}"] = value
    return found


def _calibration(pair: Pair) -> dict[str, float | None]:
    weights = np.exp(pair.learned[0] - pair.learned[0].max())
    return {
        **_slope(np.concatenate(pair.learned), np.concatenate(pair.true)),
        "mean_ratio": float(np.exp(pair.learned[0]).mean()),
        "mean_ratio_samples": effective_number(weights),
    }


def _slope(learned: np.ndarray, true: np.ndarray) -> dict[str, float | None]:
    """Slope of a straight fit and its error, which allows for unequal spreads."""
    centred = learned - learned.mean()
    scale = float((centred**2).sum())
    if scale == 0:
        return {"slope": None, "slope_error": None}
    slope = float((centred * true).sum()) / scale
    residual = true - true.mean() - slope * centred
    error = float(np.sqrt((centred**2 * residual**2).sum())) / scale
    return {"slope": slope, "slope_error": error}


def _read(path: str | Path, group: str) -> LogDensities:
    arrays = read_scores(path, group).arrays
    return LogDensities(arrays[NUMBER] + arrays[EVENT], arrays[PARTICLES])
