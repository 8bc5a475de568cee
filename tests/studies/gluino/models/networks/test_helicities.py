"""Probabilities of helicities follow the legs."""

import pytest
import torch
from torch import Tensor, nn

from hepdensity.studies.gluino.models.networks.helicities import HelicityScores, products
from hepdensity.studies.gluino.models.networks.legs import LEGS, Reader, Reading, read_legs

MOVED: list[Reading] = [((4, 2, 5, 3), False), ((2, 3, 4, 5), True), ((5, 2, 3, 4), True)]


def legs_read(reading: Reading) -> Tensor:
    """Matrix that maps features, one per leg, to those of a reading."""
    return torch.eye(LEGS)[list(read_legs(reading))]


def trained(network: nn.Module) -> nn.Module:
    """Random weights everywhere, also where the initial weights are zero."""
    generator = torch.Generator().manual_seed(1)
    network = network.double()
    for p in network.parameters():
        p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64) * 0.4
    return network


@pytest.fixture
def features(generator: torch.Generator) -> Tensor:
    return torch.randn(20, LEGS, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("reading", MOVED, ids=["gluinos", "gluons", "both"])
def test_probabilities_move_with_the_legs(reading: Reading, features: Tensor) -> None:
    network, legs = trained(HelicityScores(Reader(legs_read), 6)), list(read_legs(reading))
    places = torch.arange(LEGS - 1, -1, -1)
    bits = (torch.arange(64)[:, None] >> places) & 1
    moved = (bits[:, legs] << places).sum(1)
    before, after = network(features), network(features[:, legs])
    torch.testing.assert_close(after[:, moved], before)
    assert before.std() > 0.1


def test_probabilities_do_not_change_when_all_helicities_flip(features: Tensor) -> None:
    values = trained(HelicityScores(Reader(legs_read), 6))(features)
    torch.testing.assert_close(values, values.flip(1))


def test_probabilities_add_up_and_begin_equal(features: Tensor) -> None:
    fresh = HelicityScores(Reader(legs_read), 6).double()(features).exp()
    torch.testing.assert_close(fresh, torch.full_like(fresh, 1 / 64))
    total = trained(HelicityScores(Reader(legs_read), 6))(features).exp().sum(1)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_any_distribution_that_is_even_under_the_flip_can_be_learned() -> None:
    assert torch.linalg.matrix_rank(products()[:, :32]).item() == 31
