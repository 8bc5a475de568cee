"""Classifier two-sample tests of gluino events."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hepdensity.files import write_json
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import rambo
from hepdensity.studies.gluino.evaluation.two_sample import (
    event_features,
    result_row,
    two_sample_rows,
    two_sample_table,
    two_sample_test,
    with_incoming,
)

SQRT_S, MASS = 3000.0, 607.7137


def flat_events(n: int, seed: int, n_out: int = 4, labelled: bool = True) -> Events:
    """Events that are flat in phase space, with random labels."""
    momenta, _ = rambo(n, n_out, SQRT_S, MASS, torch.Generator().manual_seed(seed))
    random = np.random.default_rng(seed)
    labels: dict[str, Any] = {}
    if labelled:
        behind = random.permuted(np.tile(np.arange(1, 2 + n_out), (n, 1)), axis=1)
        labels = {
            "helicities": random.choice([-1, 1], (n, 2 + n_out)),
            "colour_order": np.pad(behind, ((0, 0), (1, 0))),
        }
    return Events(momenta=momenta.numpy(), sqrt_s=SQRT_S, mass=MASS, source="model", **labels)


def relabelled(events: Events, order: np.ndarray) -> Events:
    """The same events, with their gluinos in another order."""
    assert events.helicities is not None and events.colour_order is not None
    legs = np.array([0, 1, *(order + 2)])
    return replace(
        events,
        momenta=events.momenta[:, order],
        helicities=events.helicities[:, legs],
        colour_order=np.argsort(legs)[events.colour_order],
    )


def signed_by_direction(events: Events) -> Events:
    """Give forward gluinos the helicity +1 and the others -1."""
    forward = np.where(events.momenta[..., 3] > 0, 1, -1)
    return replace(events, helicities=np.pad(forward, ((0, 0), (2, 0)), constant_values=1))


@pytest.mark.parametrize("labelled", [True, False])
def test_features_do_not_depend_on_the_order_of_the_gluinos(labelled: bool) -> None:
    """The random order refers to positions, so it is undone with the given order."""
    events, order = flat_events(50, seed=1), np.array([1, 2, 3, 0])

    class Fixed:
        """Permutes rows in a given order."""

        def __init__(self, places: np.ndarray) -> None:
            self.places = places

        def permuted(self, rows: np.ndarray, axis: int) -> np.ndarray:
            return np.tile(self.places, (len(rows), 1))

    straight = event_features(events, labelled, Fixed(order))  # type: ignore[arg-type]
    moved = relabelled(events, order)
    again = event_features(moved, labelled, Fixed(np.arange(4)))  # type: ignore[arg-type]
    np.testing.assert_allclose(straight, again, rtol=1e-12)


def test_order_of_gluinos_in_a_sample_is_not_seen() -> None:
    first, second = (flat_events(1_500, seed, labelled=False) for seed in (1, 2))
    order = np.argsort(-second.momenta[..., 0], axis=1)
    rows = np.arange(1_500)[:, None]
    by_energy = replace(second, momenta=second.momenta[rows, order])
    estimate = two_sample_test(first, by_energy, seed=3).auc
    assert abs(estimate.value - 0.5) < 4 * estimate.error


def test_labels_of_other_events_are_found() -> None:
    """The helicity of a gluino shows whether it moves forward."""
    first, second = (signed_by_direction(flat_events(1_500, seed)) for seed in (4, 5))
    same = two_sample_test(first, second, seed=1)
    assert same.features == "kinematics and labels" and same.events == 1_500
    assert abs(same.auc.value - 0.5) < 4 * same.auc.error
    assert second.helicities is not None
    shuffled = replace(second, helicities=np.roll(second.helicities, 1, axis=0))
    other = two_sample_test(first, shuffled, seed=1)
    assert other.auc.value > 0.5 + 10 * other.auc.error


def test_two_gluinos() -> None:
    first, second = (flat_events(400, seed, n_out=2, labelled=False) for seed in (1, 2))
    result = two_sample_test(first, second, seed=1)
    assert result.features == "kinematics"
    assert abs(result.auc.value - 0.5) < 4 * result.auc.error


def test_same_seed_same_result() -> None:
    first, second = (flat_events(200, seed, labelled=False) for seed in (1, 2))
    assert two_sample_test(first, second, seed=1) == two_sample_test(first, second, seed=1)


def test_incoming_legs_balance_the_gluinos() -> None:
    legs = with_incoming(flat_events(5, seed=1).momenta)
    np.testing.assert_allclose(legs[:, :2].sum(1), legs[:, 2:].sum(1), atol=1e-6)
    np.testing.assert_allclose(legs[:, 0], np.tile([SQRT_S / 2, 0, 0, SQRT_S / 2], (5, 1)))


def test_samples_of_different_processes_are_refused() -> None:
    with pytest.raises(ValueError, match="compare only one process"):
        two_sample_test(flat_events(50, 1), flat_events(50, 1, n_out=2), seed=1)


def test_labels_are_required_where_wanted() -> None:
    with pytest.raises(ValueError, match="no helicities or no colour order"):
        event_features(flat_events(5, 1, labelled=False), True, np.random.default_rng(1))


def test_rows_name_the_training() -> None:
    names = {"model": "m", "family": "ours", "permutation": None, "n_train": 5, "seed": 1}
    first, second = (flat_events(60, seed, labelled=False) for seed in (1, 2))
    second = replace(second, drawn=120, invalid=30)
    result = result_row(second, two_sample_test(first, second, seed=1))
    by_name = dict(sorted(result.items()))  # as JSON has it
    (row,) = two_sample_rows([{**names, "kind": "phase-space"}], [[by_name]])
    columns = ["process", "events", "auc", "auc_error", "unphysical_fraction", "invalid_fraction"]
    assert list(row) == [*names, *columns, "features"]
    assert row["events"] == 60 and row["process"] == "four_gluino"
    assert (row["unphysical_fraction"], row["invalid_fraction"]) == (0.25, 0.25)


def test_table_of_the_rule(tmp_path: Path) -> None:
    names = {"model": "m", "family": "paper", "permutation": "sort", "n_train": 5}
    result = {"auc": 0.6, "auc_error": 0.1, "events": 40, "features": "kinematics"}
    result |= {"unphysical_fraction": 0.1, "invalid_fraction": 0.0}
    paths = [tmp_path / f"{seed}.json" for seed in (1, 2)]
    for path in paths:
        results = [{**result, "process": name} for name in ("four_gluino", "two_gluino")]
        write_json(path, {"results": results, "provenance": {}})
    runs = [{**names, "seed": seed} for seed in (1, 2)]
    rows = two_sample_table({"results": paths}, {"runs": runs})
    assert [(row["seed"], row["process"]) for row in rows] == [
        (seed, name) for seed in (1, 2) for name in ("four_gluino", "two_gluino")
    ]
    assert {row["auc"] for row in rows} == {0.6}
