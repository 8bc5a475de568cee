"""Random numbers of the detector: the generator, its streams, and moments."""

import numpy as np
import pytest
from scipy.stats import kstest

from hepdensity.physics.detector.random import Randoms, Stream, _scrambled

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def scrambled(counter: int) -> int:
    """SplitMix64 in plain integers."""
    z = ((counter ^ (counter >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def first_uniform(seed: int, stream: int, event: int) -> float:
    key = 0
    for part in (seed, stream, event):
        key = scrambled(((key ^ (part & MASK)) + GOLDEN) & MASK)
    return ((scrambled((key + GOLDEN) & MASK) >> 11) + 0.5) / 2**53


def test_generator_gives_the_published_numbers() -> None:
    """The first two outputs of SplitMix64 with the seed 0."""
    outputs = [int(_scrambled(np.uint64(i * GOLDEN & MASK))) for i in (1, 2)]
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


@pytest.mark.parametrize(("seed", "event"), [(0, 0), (1, 7), (-3, 2), (2**63, -1)])
def test_numbers_of_an_event(seed: int, event: int) -> None:
    found = Randoms(seed, np.array([event])).uniform(Stream.B_TAG, np.array([0, 1]))
    assert found == [first_uniform(seed, Stream.B_TAG, event)]


def test_numbers_depend_on_seed_stream_and_event_only() -> None:
    randoms = Randoms(1, np.array([4, 9]))
    both = randoms.uniform(Stream.MUON, np.array([0, 3, 5]))
    alone = Randoms(1, np.array([9])).uniform(Stream.MUON, np.array([0, 2]))
    np.testing.assert_array_equal(both[3:], alone)
    others = [
        Randoms(2, np.array([9])).uniform(Stream.MUON, np.array([0, 2])),
        Randoms(1, np.array([8])).uniform(Stream.MUON, np.array([0, 2])),
        Randoms(1, np.array([9])).uniform(Stream.PHOTON, np.array([0, 2])),
    ]
    assert not any(np.isclose(other, alone).any() for other in others)


def test_uniform_numbers_are_uniform() -> None:
    values = Randoms(5, np.arange(2000)).uniform(Stream.B_TAG, np.arange(0, 20_001, 10))
    counts = np.histogram(values, 20, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 50
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 4 / np.sqrt(20_000)


@pytest.mark.parametrize(("mean", "deviation"), [(10.0, 1.0), (3.0, 3.0)])
def test_log_normal_moments(mean: float, deviation: float) -> None:
    n = 200_000
    randoms = Randoms(2, np.arange(n))
    values = randoms.log_normal(
        Stream.TRACK_PT, np.arange(n + 1), np.full(n, mean), np.full(n, deviation)
    )
    assert values.mean() == pytest.approx(mean, abs=4 * deviation / np.sqrt(n))
    b = np.sqrt(np.log(1 + (deviation / mean) ** 2))
    logs = np.log(values)
    assert logs.mean() == pytest.approx(np.log(mean) - b**2 / 2, abs=4 * b / np.sqrt(n))
    assert logs.std() == pytest.approx(b, rel=4 / np.sqrt(2 * n))
    pulls = (logs - np.log(mean) + b**2 / 2) / b
    assert kstest(pulls[:20_000], "norm").pvalue > 1e-3


def test_log_normal_of_nothing_and_without_spread() -> None:
    randoms = Randoms(2, np.arange(1))
    values = randoms.log_normal(
        Stream.TRACK_PT, np.array([0, 3]), np.array([0.0, 5.0, 7.0]), np.array([1.0, 0.0, 0.1])
    )
    assert values[0] == 0
    assert values[1] == pytest.approx(5.0, rel=1e-15)
    assert values[2] != 7.0
