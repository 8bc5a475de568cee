"""Score events with the references (see `studies.darkmachines.evaluation.references`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

from hepdensity.evaluation.folds import cross_fitted, fold_of
from hepdensity.evaluation.scores import Scores
from hepdensity.models.inputs import group_sizes, read_array
from hepdensity.studies.darkmachines.evaluation.deep_svdd import DeepSvdd, SvddSettings
from hepdensity.studies.darkmachines.evaluation.features import Scaler, features_of
from hepdensity.studies.darkmachines.evaluation.objects import read_objects
from hepdensity.studies.darkmachines.evaluation.references import (
    BACKGROUND,
    CUTS,
    DEEP_SVDD,
    FOR_A_SIGNAL,
    FOREST,
    LEAST_SIGNAL,
    OTHER_SIGNALS,
    SEPARATOR,
    SUPERVISED,
    UNLABELLED,
    group_name,
)

logger = logging.getLogger(__name__)

_NO_MEANING = -99.0
_CLASSIFIER: dict[str, Any] = {
    "max_iter": 400,
    "learning_rate": 0.08,
    "max_leaf_nodes": 15,
    "max_bins": 64,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "early_stopping": True,
    "n_iter_no_change": 20,
    "validation_fraction": 0.15,
}


@dataclass(frozen=True)
class ReferenceSettings:
    """How to make the references.

    Attributes:
        made: Names of the references to make; plain cuts are always made.
        seed: Seed of all of them.
        folds: Number of folds of the supervised classifier.
        background: Largest number of background events to train on.
        trees: Number of trees of the isolation forest.
        svdd: Training of Deep SVDD.
        families: Signal -> its family. A signal without one is a family of its own.
    """

    made: Sequence[str] = (DEEP_SVDD, FOREST, SUPERVISED, OTHER_SIGNALS)
    seed: int = 1
    folds: int = 5
    background: int = 200_000
    trees: int = 200
    svdd: SvddSettings = field(default_factory=SvddSettings)
    families: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReferenceSettings:
        """Settings from the configuration; `svdd` is a mapping too."""
        svdd = SvddSettings(**values.get("svdd", {}))
        return cls(**{**values, "svdd": svdd})


def reference_scores(
    path: str | Path, signals: list[str], settings: ReferenceSettings | None = None
) -> Scores:
    """Score all groups of an inputs file with all references.

    Args:
        path: Inputs file with the largest number of objects; its groups have the arrays `met`,
            `ht` and `meff` [GeV].
        signals: Groups with signals.
        settings: How to make the references.

    Returns:
        Scores as `read_references` reads them.

    Raises:
        ValueError: If a group is missing or empty.
    """
    settings = settings or ReferenceSettings()
    sizes = group_sizes(path)
    for name in ("train", "validation", BACKGROUND, *signals):
        if not sizes.get(name):
            raise ValueError(
                f"{path}: the group {name} has no events; provide events of it that pass the"
                " selection of the channel, or take it out of the configuration"
            )
    scored = ["validation", BACKGROUND, *signals, *([UNLABELLED] if UNLABELLED in sizes else [])]
    features = {name: features_of(read_objects(path, name)) for name in ("train", *scored)}
    arrays = {group_name(cut, name): read_array(path, name, cut) for cut in CUTS for name in scored}
    arrays |= _unsupervised(features, scored, settings)
    if SUPERVISED in settings.made:
        arrays |= _supervised(features, signals, settings)
    if OTHER_SIGNALS in settings.made:
        arrays |= _other_signals(features, signals, settings)
    trained = len(_capped(features["train"], settings))
    both = len(_background(features, settings))
    n_train = {
        **dict.fromkeys(CUTS, 0),
        **dict.fromkeys((DEEP_SVDD, FOREST), trained),
        **dict.fromkeys(FOR_A_SIGNAL, both),
    }
    attributes = {f"n_train{SEPARATOR}{name}": count for name, count in n_train.items()}
    return Scores(arrays, {**attributes, "seed": settings.seed})


def _unsupervised(
    features: Mapping[str, np.ndarray], scored: list[str], settings: ReferenceSettings
) -> dict[str, np.ndarray]:
    train = _capped(features["train"], settings)
    scaler = Scaler(train)
    scaled = {name: scaler(features[name]) for name in scored}
    arrays: dict[str, np.ndarray] = {}
    if DEEP_SVDD in settings.made:
        svdd = DeepSvdd(scaler(train), settings.seed, settings.svdd)
        arrays |= {group_name(DEEP_SVDD, name): svdd(events) for name, events in scaled.items()}
    if FOREST in settings.made:
        forest = IsolationForest(n_estimators=settings.trees, random_state=settings.seed)
        forest.fit(scaler(train))
        arrays |= {
            group_name(FOREST, name): -forest.score_samples(events)
            for name, events in scaled.items()
        }
    return arrays


def _supervised(
    features: Mapping[str, np.ndarray], signals: list[str], settings: ReferenceSettings
) -> dict[str, np.ndarray]:
    known, test = _background(features, settings), features[BACKGROUND]
    test_folds = fold_of(np.arange(len(test)), settings.folds, settings.seed)
    arrays = {}
    for signal in signals:
        events = features[signal]
        if len(events) < LEAST_SIGNAL:
            logger.warning(
                "%s: %d events are too few for a supervised ceiling, which needs %d",
                *(signal, len(events), LEAST_SIGNAL),
            )
        folds = fold_of(np.arange(len(events)), settings.folds, settings.seed)
        of_signal, of_test = [], []
        for fold in range(settings.folds):
            classifier = _Classifier(known, events[folds != fold], settings.seed)
            of_signal.append(classifier(events))
            of_test.append(classifier(test))
        arrays[group_name(SUPERVISED, signal)] = cross_fitted(of_signal, folds)
        arrays[group_name(SUPERVISED, BACKGROUND, signal)] = cross_fitted(of_test, test_folds)
    return arrays


def _other_signals(
    features: Mapping[str, np.ndarray], signals: list[str], settings: ReferenceSettings
) -> dict[str, np.ndarray]:
    known, arrays = _background(features, settings), {}
    families = {signal: settings.families.get(signal, signal) for signal in signals}
    for signal in signals:
        others = [name for name in signals if families[name] != families[signal]]
        if not others:
            continue
        parts = [features[name] for name in others]
        # Every signal counts the same, however many events it has.
        weights = np.concatenate([np.full(len(part), 1 / len(part)) for part in parts])
        classifier = _Classifier(known, np.concatenate(parts), settings.seed, weights)
        arrays[group_name(OTHER_SIGNALS, signal)] = classifier(features[signal])
        arrays[group_name(OTHER_SIGNALS, BACKGROUND, signal)] = classifier(features[BACKGROUND])
    return arrays


class _Classifier:
    """Log-odds of signal against background, which have the same total weight."""

    def __init__(
        self,
        background: np.ndarray,
        signal: np.ndarray,
        seed: int,
        signal_weights: np.ndarray | None = None,
    ) -> None:
        self._model = HistGradientBoostingClassifier(**_CLASSIFIER, random_state=seed)
        own = np.ones(len(signal)) if signal_weights is None else signal_weights
        weights = np.concatenate([np.ones(len(background)), own * len(background) / own.sum()])
        labels = np.repeat([0, 1], [len(background), len(signal)])
        events = _filled(np.concatenate([background, signal]))
        self._model.fit(events, labels, sample_weight=weights)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(self._model.decision_function(_filled(features)))


def _filled(features: np.ndarray) -> np.ndarray:
    """Features with a value that none has in place of NaN: a column may be NaN for all events."""
    return np.nan_to_num(features, nan=_NO_MEANING)


def _capped(features: np.ndarray, settings: ReferenceSettings) -> np.ndarray:
    return features[: settings.background]


def _background(features: Mapping[str, np.ndarray], settings: ReferenceSettings) -> np.ndarray:
    """Background for classifiers."""
    return _capped(np.concatenate([features["train"], features["validation"]]), settings)
