"""Anomaly scores of a channel: of trained models, combined with references, and of references.

Score files, inputs files and files of references are recognised by their paths,
`scores/<dataset>/<model>/n<n_train>/seed<seed>/all.h5`, `inputs/<dataset>.h5` and
`references/<dataset>.h5`, so rules can list them in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.evaluation.resampling import DRAWS, Evaluated, evaluate
from hepdensity.evaluation.scores import TIGHT, place_of_file, place_of_run, read_scores
from hepdensity.evaluation.tail_scores import CombinedScore
from hepdensity.studies.darkmachines.evaluation.objects import Measure, read_optional
from hepdensity.studies.darkmachines.evaluation.references import (
    BACKGROUND,
    FIXED,
    References,
    read_references,
)
from hepdensity.studies.darkmachines.layouts import dataset_parts

VALIDATION = "validation"
WEIGHT = "weight"

PAPER, OURS, REFERENCE = "paper", "ours", "reference"
"""Families of scores."""

OWN = "density"
"""Name of the model's own score in a combination."""


@dataclass(frozen=True)
class Label:
    """What identifies a score.

    Attributes:
        channel: Name of the channel.
        dataset: Name of the dataset that the model was trained on; None for references.
        model: Name of the model, combination or reference.
        permutation: Treatment of the permutation symmetry, if the model has one.
        n_max: Largest number of objects that the model sees; None for references.
        n_train: Number of background events that it was trained on.
        seed: Seed of the training.
        family: "paper", "ours" or "reference".
        combined: References that are combined with the model.
    """

    channel: str
    dataset: str | None
    model: str
    permutation: str | None
    n_max: int | None
    n_train: int
    seed: int
    family: str
    combined: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        """Columns of a table."""
        names = ("channel", "model", "permutation", "n_max", "n_train", "seed")
        return {name: getattr(self, name) for name in names}

    @property
    def variant(self) -> tuple[Any, ...]:
        """What all seeds of a training share."""
        return self.channel, self.dataset, self.model, self.n_train


@dataclass(frozen=True)
class Scored:
    """A score of the test events of a channel, high = anomalous.

    Attributes:
        label: What it is.
        background: Signal -> scores of the test background to compare it with, shape (n,).
        signals: Signal -> its scores, shape (m,).
        weights: Weights of the test background, shape (n,); all 1 if None.
        signal_weights: Signal -> weights of its events; all 1 if None.
    """

    label: Label
    background: Mapping[str, np.ndarray]
    signals: Mapping[str, np.ndarray]
    weights: np.ndarray | None
    signal_weights: Mapping[str, np.ndarray | None]

    def evaluated(self, draws: int, seed: int) -> dict[str, Evaluated]:
        """Values and resampled values of each signal; the same draws for all scores."""
        results: dict[str, Evaluated] = {}
        for same in _grouped(self.background):
            results |= evaluate(
                self.background[same[0]],
                {name: self.signals[name] for name in same},
                self.weights,
                {name: self.signal_weights[name] for name in same},
                draws=draws,
                seed=seed,
                sample=self.label.channel,
            )
        return {name: results[name] for name in self.signals}


@dataclass(frozen=True)
class Channel:
    """Inputs of a channel that all scores share.

    Attributes:
        name: Its name.
        roles: Signal -> its role, "tuning" or "final".
        inputs: Inputs file of one of its datasets; all have the same events.
        references: Reference scores, if there are any.
    """

    name: str
    roles: Mapping[str, str]
    inputs: str
    references: References | None

    def weights(self, group: str) -> np.ndarray | None:
        """Weights of the events of a group; None if they have none."""
        return read_optional(self.inputs, group, WEIGHT)


def channels_of(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Channel]:
    """Channels with signals; others have nothing to tell from background.

    Args:
        files: `inputs`; `references` if there are any.
        settings: `signals`, channel -> signal -> role.

    Raises:
        ValueError: If a channel has no inputs file.
    """
    of_references = {_channel(path): path for path in files.get("references", ())}
    found = []
    for name, roles in settings["signals"].items():
        if not roles:
            continue
        inputs = [path for path in files["inputs"] if _channel(path) == name]
        if not inputs:
            raise ValueError(f"channel {name} has no inputs file; name a dataset of it")
        known = of_references.get(name)
        read = read_references(known) if known else None
        found.append(Channel(name, roles, inputs[0], read))
    return found


def all_scored(files: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Scored]:
    """Scores of all models, combinations and references, channel by channel.

    Args:
        files: `inputs` and `scores`; `references` if there are any.
        settings: `runs` (trainings), `signals` (channel -> signal -> role), `combinations` (name ->
            {`model`: name, `with`: references, `measure`: powers and scale, if any}).

    Raises:
        ValueError: If a file or a reference is missing, or a score is NaN.
    """
    scores = {place_of_file(path): path for path in files["scores"]}
    inputs = {Path(path).stem: path for path in files["inputs"]}
    combinations = settings.get("combinations", {})
    for channel in channels_of(files, settings):
        runs = [run for run in settings["runs"] if dataset_parts(run["dataset"])[0] == channel.name]
        for run in runs:
            yield _of_training(channel, run, scores)
        for name, combination in combinations.items():
            for run in runs:
                if run["model"] == combination["model"]:
                    path = inputs[run["dataset"]]
                    yield _of_combination(channel, run, scores, path, name, combination)
        yield from _of_references(channel)


def evaluated_scores(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[tuple[Scored, dict[str, Evaluated]]]:
    """Each score with its values and resampled values by signal.

    Args:
        files: See `all_scored`.
        settings: Those of `all_scored`; `draws` and `seed` of the bootstrap.
    """
    draws, seed = int(settings.get("draws", DRAWS)), int(settings.get("seed", 0))
    for scored in all_scored(files, settings):
        yield scored, scored.evaluated(draws, seed)


def anomaly_score(path: str | Path, group: str) -> np.ndarray:
    """-log p [nats] of the events of a group; infinite for impossible events, shape (n,).

    Args:
        path: Score file of a training.
        group: Name of the group.
    """
    return -np.asarray(read_scores(path, group).arrays[TIGHT])


def _channel(path: str) -> str:
    """Channel of an inputs file or a file of references, which are named after a dataset."""
    return dataset_parts(Path(path).stem)[0]


def _scores_of(run: Mapping[str, Any], scores: Mapping[Any, str], group: str) -> np.ndarray:
    place = place_of_run(run)
    if place not in scores:
        raise ValueError(f"no score file of {place[1]} ({place[0]}); score its events")
    return anomaly_score(scores[place], group)


def _label(channel: Channel, run: Mapping[str, Any]) -> Label:
    return Label(
        channel=channel.name,
        dataset=run["dataset"],
        model=run["model"],
        permutation=run["permutation"],
        n_max=dataset_parts(run["dataset"])[2],
        n_train=run["n_train"],
        seed=run["seed"],
        family=run["family"],
    )


def _of_training(channel: Channel, run: Mapping[str, Any], scores: Mapping[Any, str]) -> Scored:
    background = _scores_of(run, scores, BACKGROUND)
    signals = {name: _scores_of(run, scores, name) for name in channel.roles}
    return _scored(channel, _label(channel, run), dict.fromkeys(signals, background), signals)


def _of_combination(
    channel: Channel,
    run: Mapping[str, Any],
    scores: Mapping[Any, str],
    inputs: str,
    name: str,
    combination: Mapping[str, Any],
) -> Scored:
    """The density in a measure, alone or with references."""
    measure, partners = Measure(**combination.get("measure", {})), combination["with"]

    def density(group: str) -> np.ndarray:
        values = _scores_of(run, scores, group)
        return values + measure.log_volume(inputs, group)[: len(values)]

    label = vars(_label(channel, run)) | {"model": name, "combined": tuple(partners)}
    if "measure" in combination:
        label["family"] = OURS
    score = _surprises(channel, name, density, partners) if partners else density
    background = score(BACKGROUND)
    signals = {signal: score(signal) for signal in channel.roles}
    return _scored(channel, Label(**label), dict.fromkeys(signals, background), signals)


def _surprises(
    channel: Channel, name: str, density: Callable[[str], np.ndarray], partners: Sequence[str]
) -> Callable[[str], np.ndarray]:
    """Sum of background surprises of the events of a group, fitted on validation events.

    With folds, validation events of one fold are test events of another, but no model scores an
    event that it was trained on.
    """
    references = channel.references
    unknown = [one for one in partners if references is None or one not in FIXED]
    if references is None or unknown:
        raise ValueError(
            f"combination {name}: {', '.join(unknown)} cannot be combined in channel"
            f" {channel.name}; choose from {', '.join(FIXED)}, and make the references"
        )

    def parts(group: str) -> dict[str, np.ndarray]:
        own = density(group)
        return {OWN: own, **{one: references.of(one, group)[: len(own)] for one in partners}}

    fitted = parts(VALIDATION)
    combined = CombinedScore.fit(fitted, _first(channel, VALIDATION, len(fitted[OWN])))
    return lambda group: combined(parts(group))


def _first(channel: Channel, group: str, size: int) -> np.ndarray | None:
    """Weights of the events that have a score: all, or the first ones if it is a bound."""
    weights = channel.weights(group)
    return None if weights is None else weights[:size]


def _of_references(channel: Channel) -> Iterator[Scored]:
    references = channel.references
    if references is None:
        return
    for name in references.names():
        signals = {
            signal: references.of(name, signal)
            for signal in channel.roles
            if references.has(name, signal)
        }
        if not signals:
            continue
        background = {signal: references.background(name, signal) for signal in signals}
        label = Label(
            channel=channel.name,
            dataset=None,
            model=name,
            permutation=None,
            n_max=None,
            n_train=references.n_train[name],
            seed=references.seed,
            family=REFERENCE,
        )
        yield _scored(channel, label, background, signals)


def _scored(
    channel: Channel,
    label: Label,
    background: Mapping[str, np.ndarray],
    signals: Mapping[str, np.ndarray],
) -> Scored:
    size = len(next(iter(background.values())))
    weights = channel.weights(BACKGROUND)
    of_signals = {name: channel.weights(name) for name in signals}
    return Scored(
        label=label,
        background=background,
        signals=signals,
        weights=None if weights is None else weights[:size],
        signal_weights={
            name: None if own is None else own[: len(signals[name])]
            for name, own in of_signals.items()
        },
    )


def _grouped(background: Mapping[str, np.ndarray]) -> list[list[str]]:
    """Signals with the same background scores."""
    groups: dict[int, list[str]] = {}
    for name, scores in background.items():
        groups.setdefault(id(scores), []).append(name)
    return list(groups.values())
