"""Mixing two- and four-gluino events."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepdensity.ingest.event_file import write_events
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino.preprocessing.multiplicity import (
    Tolerance,
    mixing_order,
    prepare_mixed_inputs,
)

SIZES = {"test": 20, "validation": 10, "train": 40}


def sample(n_out: int, count: int) -> Events:
    momenta, _ = rambo(count, n_out, 3000.0, 600.0, torch.Generator().manual_seed(n_out))
    couplings = np.random.default_rng(n_out).uniform(0.08, 0.09, count)
    return Events(momenta.numpy(), sqrt_s=3000.0, mass=600.0, source="lhe", alpha_s=couplings)


def prepare(tmp_path: Path, four: Events, two: Events) -> dict[str, int]:
    paths = {"four_gluino": tmp_path / "four.h5", "two_gluino": tmp_path / "two.h5"}
    for path, events in zip(paths.values(), (four, two), strict=True):
        write_events(path, events, {})
    return prepare_mixed_inputs(
        paths,
        tmp_path / "mixed.h5",
        **SIZES,
        four_per_two=10,
        tolerance=Tolerance(1e-6, 1e-6),
        provenance={"seed": 1},
    )


def test_parts_hold_events_of_both_and_nothing_twice(tmp_path: Path) -> None:
    four, two = sample(4, 85), replace(sample(2, 8), mass=600.0000001)
    sizes = prepare(tmp_path, four, two)
    assert sizes == {"test": 22, "validation": 11, "train": 55}
    with h5py.File(tmp_path / "mixed.h5") as file:
        angles = np.concatenate([file[part]["angles"][:] for part in sizes])
        couplings = np.concatenate([file[part]["alpha_s"][:] for part in sizes])
        assert file.attrs["four_per_two"] == 10
    mixed = np.isnan(angles[:, 2:]).all(axis=1)
    np.testing.assert_array_equal(np.isnan(angles[:, 2:]).any(axis=1), mixed)
    np.testing.assert_array_equal(np.flatnonzero(mixed), [10, 21, 32, 43, 54, 65, 76, 87])
    for chosen, events in ((~mixed, four), (mixed, two)):
        expected = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()[: chosen.sum()]
        np.testing.assert_array_equal(angles[chosen][:, : expected.shape[1]], expected)
        assert events.alpha_s is not None
        np.testing.assert_array_equal(couplings[chosen], events.alpha_s[: chosen.sum()])


@pytest.mark.parametrize("first", [10, 25, 40])
def test_first_rows_are_mixed_as_the_whole(first: int) -> None:
    order = mixing_order(40, 4, 10)[: first + first // 10]
    assert sorted(order[order < 40]) == list(range(first))
    assert sorted(order[order >= 40]) == list(range(40, 40 + first // 10))


@pytest.mark.parametrize(
    ("four", "two", "message"),
    [
        pytest.param(sample(4, 80), sample(4, 80), "four_gluino events where two", id="process"),
        pytest.param(sample(4, 69), sample(2, 9), r"four\.h5: 69 events, but 70", id="too few"),
        pytest.param(sample(4, 80), sample(2, 6), r"two\.h5: 6 events, but 7", id="too few of two"),
        pytest.param(
            sample(4, 80), replace(sample(2, 9), mass=601.0), "the same collisions", id="mass"
        ),
        pytest.param(
            sample(4, 80),
            replace(sample(2, 9), weights=np.geomspace(1, 100, 9)),
            r"two\.h5: weighted events",
            id="weighted",
        ),
    ],
)
def test_unfit_events_are_refused(tmp_path: Path, four: Events, two: Events, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepare(tmp_path, four, two)
    assert not (tmp_path / "mixed.h5").exists()


def test_without_couplings_of_one_process_there_are_none(tmp_path: Path) -> None:
    prepare(tmp_path, sample(4, 80), replace(sample(2, 9), alpha_s=None))
    with h5py.File(tmp_path / "mixed.h5") as file:
        assert set(file["train"]) == {"angles"}
