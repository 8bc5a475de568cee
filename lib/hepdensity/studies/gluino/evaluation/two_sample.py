"""Classifier two-sample test of samples against test events.

The test does not see unphysical or invalid samples; their fractions are given in separate columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from hepdensity.evaluation.estimates import Estimate, columns
from hepdensity.evaluation.two_sample import cross_fitted_auc
from hepdensity.files import read_json
from hepdensity.physics.colour_order import order_to_positions
from hepdensity.physics.events import Events, pair_masses
from hepdensity.studies.gluino.evaluation.comparison import relabel

_NAME = ("model", "family", "permutation", "n_train", "seed")
_RESULT = (
    *("process", "events", "auc", "auc_error"),
    *("unphysical_fraction", "invalid_fraction", "features"),
)


@dataclass(frozen=True)
class TwoSampleResult:
    """How well a classifier can distinguish two sets of events.

    Attributes:
        auc: area under the ROC curve for events that the classifier was not trained on.
        events: number of events in each set.
        features: features that the classifier used.
    """

    auc: Estimate
    events: int
    features: str


def two_sample_test(first: Events, second: Events, seed: int) -> TwoSampleResult:
    """Train a classifier on two sets of events of one process.

    Labels are used if both sets have them. The gluinos of both sets are put in random order.

    Args:
        first: events of class 0, e.g. test events.
        second: events of class 1, e.g. samples of a model.
        seed: seed of the orders, the halves and the classifier.

    Raises:
        ValueError: if the processes differ, or there are too few events.
    """
    if first.process != second.process:
        raise ValueError(f"{first.process} and {second.process} events; compare only one process")
    labelled = all(_has_labels(events) for events in (first, second))
    random = np.random.default_rng(seed)
    features = [event_features(events, labelled, random) for events in (first, second)]
    return TwoSampleResult(
        cross_fitted_auc(features[0], features[1], random),
        min(len(first), len(second)) // 2 * 2,
        "kinematics and labels" if labelled else "kinematics",
    )


def event_features(events: Events, labelled: bool, random: np.random.Generator) -> np.ndarray:
    """Features for the classifier, with the gluinos in random order.

    Args:
        events: the events.
        labelled: whether to include helicities and colour order.
        random: source of the orders.

    Returns:
        Shape ``(n, f)``: cosines, azimuths, energies and masses of pairs; the energies, masses,
        cosines and momenta along the beam in increasing order. With labels also helicities,
        products of the helicities of two legs, these products times the invariant of the two legs
        in increasing order, positions in the colour trace, and along the trace the helicities and
        the products and invariants of neighbours.

    Raises:
        ValueError: if ``labelled`` is true but the events have no labels.
    """
    events = relabel(events, random)
    features = kinematic_features(events.momenta)
    if not labelled:
        return features
    if events.helicities is None or events.colour_order is None:
        raise ValueError("the events have no helicities or no colour order; use labelled events")
    labels = label_features(events.momenta, events.helicities, events.colour_order)
    return np.concatenate((features, labels), axis=1)


def kinematic_features(momenta: np.ndarray) -> np.ndarray:
    """Features of momenta ``(n, n_out, 4)`` [GeV]; two gluinos are back to back, so one is used."""
    vector = momenta[:, : 1 if momenta.shape[1] == 2 else None, 1:]
    cosine = vector[..., 2] / np.linalg.norm(vector, axis=2)
    azimuth = np.arctan2(vector[..., 1], vector[..., 0])
    if momenta.shape[1] == 2:
        return np.concatenate((cosine, azimuth), axis=1)
    masses = pair_masses(momenta)
    energies, along_beam = momenta[..., 0], momenta[..., 3]
    ordered = [np.sort(values, axis=1) for values in (energies, masses, cosine, along_beam)]
    return np.concatenate((cosine, azimuth, energies, masses, *ordered), axis=1)


def label_features(momenta: np.ndarray, helicities: np.ndarray, trace: np.ndarray) -> np.ndarray:
    """Features of labels.

    Args:
        momenta: momenta of the gluinos [GeV], shape ``(n, n_out, 4)``.
        helicities: +1 or -1, shape ``(n, 2 + n_out)``.
        trace: sequences of legs, shape ``(n, 2 + n_out)``.
    """
    rows, legs = np.arange(len(trace))[:, None], with_incoming(momenta)
    first, second = np.array(list(combinations(range(trace.shape[1]), 2))).T
    products = helicities[:, first] * helicities[:, second]
    signed = products * _invariant(legs[:, first], legs[:, second])
    # Pairs of the first gluon with gluinos, pairs of the second gluon, and pairs of gluinos.
    groups = [(first == 0) & (second > 1), first == 1, first > 1]
    along, neighbours = helicities[rows, trace], np.roll(trace, -1, axis=1)
    parts = (
        *(helicities, products, *(np.sort(signed[:, group], axis=1) for group in groups)),
        *(order_to_positions(trace), along, along * helicities[rows, neighbours]),
        _invariant(legs[rows, trace], legs[rows, neighbours]),
    )
    return np.concatenate(parts, axis=1)


def with_incoming(momenta: np.ndarray) -> np.ndarray:
    """Momenta of all legs, shape ``(n, 2 + n_out, 4)`` [GeV], the gluons along +z and -z first."""
    half = momenta[..., 0].sum(axis=1, keepdims=True) / 2
    zero = np.zeros_like(half)
    gluons = [np.concatenate((half, zero, zero, sign * half), axis=1) for sign in (1, -1)]
    return np.concatenate((np.stack(gluons, axis=1), momenta), axis=1)


def result_row(samples: Events, result: TwoSampleResult) -> dict[str, Any]:
    """Columns of a result, for a JSON file.

    Args:
        samples: samples of the model.
        result: result of their test.

    Raises:
        ValueError: if the number of samples drawn is unknown.
    """
    return {
        "process": samples.process,
        "events": result.events,
        **columns("auc", result.auc),
        "unphysical_fraction": samples.unphysical_fraction,
        "invalid_fraction": samples.invalid_fraction,
        "features": result.features,
    }


def two_sample_rows(
    runs: Sequence[Mapping[str, Any]], results: Sequence[Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Rows of ``two_sample_gluino.csv``.

    Args:
        runs: the trainings (see ``EvaluatedRun.run``).
        results: results of each training, one per process.
    """
    return [
        {**{name: run[name] for name in _NAME}, **{name: result[name] for name in _RESULT}}
        for run, own in zip(runs, results, strict=True)
        for result in own
    ]


def _invariant(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Minkowski products of momenta (..., 4) [GeV^2]."""
    product: np.ndarray = 2 * first[..., 0] * second[..., 0] - (first * second).sum(axis=-1)
    return product


def _has_labels(events: Events) -> bool:
    return events.helicities is not None and events.colour_order is not None


def two_sample_table(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table `two_sample`: tests of all trainings.

    Args:
        files: `results` of the trainings.
        settings: `runs` (the trainings).
    """
    results = [read_json(path)["results"] for path in files["results"]]
    return two_sample_rows(settings["runs"], results)
