"""Probabilities of colour traces from amplitudes."""

import pytest
import torch
from torch import Tensor

from hepdensity.physics.colour import colour_orders, kleiss_kuijf_matrix
from hepdensity.studies.gluino.models.networks.amplitudes import TraceScores, half_ladders
from hepdensity.studies.gluino.models.networks.legs import (
    LEGS,
    TRACES,
    WORDS,
    Reader,
    Reading,
    read_legs,
)

MOVED: list[Reading] = [((4, 2, 5, 3), False), ((2, 3, 4, 5), True), ((5, 2, 3, 4), True)]


def legs_read(reading: Reading) -> Tensor:
    """Matrix that maps values, one per leg, to those of a reading."""
    return torch.eye(LEGS)[list(read_legs(reading))]


@pytest.fixture
def network() -> TraceScores:
    """A network with weights different from the initial ones."""
    generator = torch.Generator().manual_seed(1)
    result = TraceScores(Reader(legs_read), Reader(legs_read), 6, 4).double()
    for p in result.parameters():
        p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64) * 0.4
    return result


@pytest.fixture
def events(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Features and structures, one per leg."""
    values = torch.randn(20, 3, LEGS, generator=generator, dtype=torch.float64)
    return values[:, 0], values[:, 1:]


def test_half_ladders_give_the_amplitudes_of_the_matrix_element() -> None:
    orders = [tuple(order) for order in colour_orders(4).tolist()]
    expected = kleiss_kuijf_matrix(4)[[orders.index(trace) for trace in TRACES]]
    # Columns of the matrix element are words starting from leg 1; those here include a sign.
    found = half_ladders().to(expected.dtype)
    torch.testing.assert_close(found.abs(), expected.abs())
    signs = torch.tensor([_sign(word) for word in WORDS], dtype=expected.dtype)
    overall = (found * signs * expected).sum(1) / expected.square().sum(1)
    assert (overall.abs() == 1).all()


def _sign(word: tuple[int, ...]) -> int:
    return (-1) ** sum(a > b for k, a in enumerate(word) for b in word[k + 1 :])


@pytest.mark.parametrize("reading", MOVED, ids=["gluinos", "gluons", "both"])
def test_probabilities_move_with_the_legs(
    reading: Reading, network: TraceScores, events: tuple[Tensor, Tensor]
) -> None:
    legs = read_legs(reading)
    new_leg = {old: new for new, old in enumerate(legs)}
    moved = [TRACES.index(_canonical([new_leg[leg] for leg in trace])) for trace in TRACES]
    before = network(*events)
    after = network(*(values[..., list(legs)] for values in events))
    torch.testing.assert_close(after[:, moved], before)
    assert before.std() > 0.1


def _canonical(trace: list[int]) -> tuple[int, ...]:
    """The same closed trace, starting from leg 0 in the direction used by TRACES."""
    start = trace.index(0)
    rest = trace[start + 1 :] + trace[:start]
    return (0, *(rest if rest[0] < rest[-1] else rest[::-1]))


def test_probabilities_add_up(network: TraceScores, events: tuple[Tensor, Tensor]) -> None:
    total = network(*events).exp().sum(1)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_probabilities_do_not_depend_on_a_common_phase(
    network: TraceScores, events: tuple[Tensor, Tensor]
) -> None:
    features, structures = events
    turned = torch.stack((-structures[:, 1], structures[:, 0]), dim=1)
    torch.testing.assert_close(network(features, turned), network(features, structures))


def test_floor_is_the_smallest_probability(
    network: TraceScores, events: tuple[Tensor, Tensor]
) -> None:
    smallest = network(*events).exp().min()
    assert smallest >= network.floor.sigmoid() / len(TRACES)
