"""Mixing two- and four-gluino events."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hepdensity.ingest.event_file import write_events
from hepdensity.ingest.validation import Tolerance
from hepdensity.models.inputs import group_sizes, read_array, read_attributes, read_layout
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.preprocessing.multiplicity import (
    mixing_order,
    prepare_mixed_inputs,
)

P_FOUR = 4e-5
SIZES = {"test": 20, "validation": 10, "train": 40}


def sample(n_out: int, count: int) -> Events:
    momenta, _ = rambo(count, n_out, 3000.0, 600.0, torch.Generator().manual_seed(n_out))
    couplings = np.random.default_rng(n_out).uniform(0.08, 0.09, count)
    return Events(momenta.numpy(), sqrt_s=3000.0, mass=600.0, source="lhe", alpha_s=couplings)


def prepare(tmp_path: Path, four: Events, two: Events, **sizes: int) -> dict[str, int]:
    paths = {"four_gluino": tmp_path / "four.h5", "two_gluino": tmp_path / "two.h5"}
    for path, events in zip(paths.values(), (four, two), strict=True):
        write_events(path, events, {})
    return prepare_mixed_inputs(
        paths,
        tmp_path / "mixed.h5",
        **(SIZES | sizes),
        four_per_two=10,
        p_four=P_FOUR,
        tolerance=Tolerance(1e-6, 1e-6),
        provenance={"seed": 1},
    )


def test_groups_hold_events_of_both_and_nothing_twice(tmp_path: Path) -> None:
    four, two = sample(4, 85), replace(sample(2, 8), mass=600.0000001)
    sizes = prepare(tmp_path, four, two)
    assert sizes == {"test": 22, "validation": 11, "train": 60}
    path = tmp_path / "mixed.h5"
    assert group_sizes(path) == sizes
    angles = np.concatenate([read_array(path, group) for group in sizes])
    couplings = np.concatenate([read_array(path, group, "alpha_s") for group in sizes])
    attributes = {"sqrt_s": 3000.0, "mass": 600.0, "source": "lhe", "four_per_two": 10}
    assert read_attributes(path) == attributes
    constants = {"sqrt_s": 3000.0, "gluino_mass": 600.0, "mass": 0.2}
    assert read_layout(path) == layouts.multiplicity(P_FOUR, constants=constants)
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


POOLS = {
    # As many of four gluinos as those of two reach for: ten for each, and nine more.
    "few of two": (40, 2, 29),
    "few of four": (25, 9, 25),
    "a multiple of ten": (20, 2, 20),
    "one more": (21, 2, 21),
}
"""Numbers of four- and two-gluino training events, and of four-gluino events in the pool."""


@pytest.mark.parametrize(("four", "two", "pool"), POOLS.values(), ids=list(POOLS))
def test_every_size_up_to_the_pool_can_be_read(
    tmp_path: Path, four: int, two: int, pool: int
) -> None:
    """A training on n four-gluino events also gets n // 10 two-gluino events."""
    rows = prepare(tmp_path, sample(4, 30 + four), sample(2, 3 + two), train=pool)["train"]
    assert rows == pool + pool // 10
    for n_train in range(1, pool + 1):
        found = read_array(tmp_path / "mixed.h5", "train", count=n_train + n_train // 10)
        complete = ~np.isnan(found).any(axis=1)
        assert (complete.sum(), (~complete).sum()) == (n_train, n_train // 10)
    more = pool + 1
    with pytest.raises(ValueError, match=rf"has {rows} events, but {more + more // 10} are"):
        read_array(tmp_path / "mixed.h5", "train", count=more + more // 10)


@pytest.mark.parametrize(
    ("four", "two", "fits"), [(1005, 100, True), (1004, 100, False), (1005, 99, False)]
)
def test_sizes_that_are_no_multiples_of_ten(
    tmp_path: Path, four: int, two: int, fits: bool
) -> None:
    events = sample(4, 30 + four), sample(2, 3 + two)
    if fits:
        assert prepare(tmp_path, *events, train=1005)["train"] == 1005 + 100
        assert len(read_array(tmp_path / "mixed.h5", "train", count=1005 + 100)) == 1105
    else:
        with pytest.raises(ValueError, match="provide 1 more"):
            prepare(tmp_path, *events, train=1005)


@pytest.mark.parametrize(
    ("four", "two", "message"),
    [
        pytest.param(
            sample(4, 80),
            sample(4, 80),
            r"two\.h5: four_gluino events, but",
            id="process",
        ),
        pytest.param(
            sample(4, 69), sample(2, 9), r"four\.h5: there are 69 events, but 70", id="too few"
        ),
        pytest.param(
            sample(4, 80), sample(2, 6), r"two\.h5: there are 6 events, but 7", id="too few of two"
        ),
        pytest.param(
            sample(4, 80), replace(sample(2, 9), mass=601.0), "the same collisions", id="mass"
        ),
        pytest.param(
            sample(4, 80),
            replace(sample(2, 9), weights=np.geomspace(1, 100, 9)),
            r"two\.h5: the events are weighted",
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
    with pytest.raises(ValueError, match="the group train has no array alpha_s"):
        read_array(tmp_path / "mixed.h5", "train", "alpha_s")
