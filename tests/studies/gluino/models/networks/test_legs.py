"""Readings of the six legs."""

from itertools import permutations

import torch

from hepdensity.studies.gluino.models.networks.legs import (
    LEGS,
    PAIRS,
    READINGS,
    TRACES,
    WORDS,
    Reader,
    Reading,
    read_legs,
)


def legs_read(reading: Reading) -> torch.Tensor:
    """Matrix that maps values, one per leg, to those of a reading."""
    return torch.eye(LEGS)[list(read_legs(reading))]


def test_enumerations_are_complete() -> None:
    assert len(PAIRS) == 15
    both = {*TRACES, *((0, *trace[:0:-1]) for trace in TRACES)}
    assert both == {(0, *rest) for rest in permutations(range(1, LEGS))}
    assert set(WORDS) == set(permutations(range(2, LEGS)))


def test_readings_are_all_orders_that_keep_the_kinds_of_legs() -> None:
    read = {read_legs(reading) for reading in READINGS}
    assert read == {(*g, *w) for g in ((0, 1), (1, 0)) for w in WORDS}


def test_second_half_of_the_readings_reads_half_ladders_backwards() -> None:
    for forward, backward in zip(READINGS[:24], READINGS[24:], strict=True):
        assert not forward[1]
        assert backward == (forward[0][::-1], True)


def test_reading_weights_is_reading_values(generator: torch.Generator) -> None:
    weights = torch.randn(3, LEGS, generator=generator)
    values = torch.randn(5, LEGS, generator=generator)
    found = (values @ Reader(legs_read)(weights).T).view(5, len(READINGS), 3)
    for k, reading in enumerate(READINGS):
        torch.testing.assert_close(found[:, k], values[:, list(read_legs(reading))] @ weights.T)
