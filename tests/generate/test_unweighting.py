import math

import pytest
import torch

from hepdensity.generate.unweighting import MARGIN, Tally, accept, stated_maximum


def test_acceptance_is_proportional_to_the_weight(generator: torch.Generator) -> None:
    n = 40_000
    for weight, expected in ((0.25, 0.125), (1.0, 0.5), (3.0, 1.0), (0.0, 0.0)):
        accepted = accept(torch.full((n,), weight).double(), 2.0, generator)
        error = math.sqrt(expected * (1 - expected) / n)
        assert abs(float(accepted.double().mean()) - expected) <= 4 * error


def test_stated_maximum_has_a_margin() -> None:
    assert stated_maximum(torch.tensor([1.0, 4.0, 2.0])) == pytest.approx(4 * MARGIN)


@pytest.mark.parametrize("pilot", [[], [0.0, 0.0], [math.nan, math.nan]], ids=str)
def test_useless_pilot_samples_are_refused(pilot: list[float]) -> None:
    with pytest.raises(ValueError, match="none of the pilot weights is positive"):
        stated_maximum(torch.tensor(pilot))


def test_tally() -> None:
    tally = Tally(maximum=2.0)
    tally.add(torch.tensor([1.0, 3.0, 0.5]), torch.tensor([True, True, False]))
    tally.add(torch.tensor([2.5]), torch.tensor([True]))
    weights = torch.tensor([1.0, 3.0, 0.5, 2.5], dtype=torch.float64)
    assert (tally.tried, tally.accepted) == (4, 3)
    assert tally.efficiency == 3 / 4
    assert tally.overweight_fraction == 2 / 3
    assert tally.lost_fraction == pytest.approx(1.5 / 7)
    assert tally.mean == pytest.approx(float(weights.mean()))
    assert tally.error == pytest.approx(float(weights.std()) / 2)


def test_tally_without_accepted_events() -> None:
    tally = Tally(maximum=2.0)
    tally.add(torch.zeros(3), torch.zeros(3, dtype=torch.bool))
    assert (tally.overweight_fraction, tally.lost_fraction, tally.error) == (0.0, 0.0, 0.0)
