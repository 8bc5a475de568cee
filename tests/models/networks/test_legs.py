"""Scores of labels that move with the legs."""

from itertools import permutations

import pytest
import torch
from torch import Tensor, nn

from hepdensity.models.networks.legs import (
    LEGS,
    PAIRS,
    TRACES,
    TRIPLES,
    HelicityScores,
    PairNetwork,
    TraceScores,
)

RELABELLING = (3, 0, 4, 1, 5, 2)


def trained(network: nn.Module) -> nn.Module:
    """Random weights everywhere, also where training begins at zero."""
    generator = torch.Generator().manual_seed(1)
    network = network.double()
    for p in network.parameters():
        p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64) * 0.4
    return network


@pytest.fixture
def features(generator: torch.Generator) -> Tensor:
    return torch.rand(20, len(PAIRS), 3, generator=generator, dtype=torch.float64)


def relabelled(features: Tensor) -> Tensor:
    """Pair features of events in which new leg i is old leg RELABELLING[i]."""
    old = [tuple(sorted((RELABELLING[i], RELABELLING[j]))) for i, j in PAIRS]
    return features[:, [PAIRS.index((a, b)) for a, b in old]]


def test_enumerations_are_complete() -> None:
    assert len(PAIRS) == 15
    assert len(set(TRIPLES)) == 60
    both = {*TRACES, *((0, *trace[:0:-1]) for trace in TRACES)}
    assert both == {(0, *rest) for rest in permutations(range(1, LEGS))}


def test_pair_embeddings_move_with_the_legs(features: Tensor) -> None:
    network = trained(PairNetwork(3, 6, 2))
    torch.testing.assert_close(network(relabelled(features)), relabelled(network(features)))


def test_helicity_probabilities_move_with_the_legs(features: Tensor) -> None:
    network = trained(HelicityScores(3, 6, 2))
    codes = torch.arange(64)[:, None]
    bits = (codes >> torch.arange(LEGS - 1, -1, -1)) & 1
    moved = (bits[:, list(RELABELLING)] << torch.arange(LEGS - 1, -1, -1)).sum(1)
    before, after = network(features), network(relabelled(features))
    torch.testing.assert_close(after[:, moved], before)
    assert before.std() > 0.1


def test_helicity_probabilities_do_not_change_when_all_flip(features: Tensor) -> None:
    values = trained(HelicityScores(3, 6, 2))(features)
    torch.testing.assert_close(values, values.flip(1))


def test_trace_probabilities_move_with_the_legs(features: Tensor) -> None:
    network = trained(TraceScores(3, 6, 2, 5))
    new_leg = {old: new for new, old in enumerate(RELABELLING)}
    moved = [TRACES.index(_canonical([new_leg[leg] for leg in trace])) for trace in TRACES]
    before, after = network(features), network(relabelled(features))
    torch.testing.assert_close(after[:, moved], before)
    assert before.std() > 0.1


def _canonical(trace: list[int]) -> tuple[int, ...]:
    """The same closed trace from leg 0 on, in the direction that TRACES has."""
    start = trace.index(0)
    rest = trace[start + 1 :] + trace[:start]
    return (0, *(rest if rest[0] < rest[-1] else rest[::-1]))


@pytest.mark.parametrize(("kind", "count"), [(HelicityScores, 64), (TraceScores, 60)])
def test_probabilities_add_up_and_begin_equal(
    kind: type[nn.Module], count: int, features: Tensor
) -> None:
    fresh = kind(3, 6, 2).double()(features).exp()
    torch.testing.assert_close(fresh, torch.full_like(fresh, 1 / count))
    total = trained(kind(3, 6, 2))(features).exp().sum(1)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_scores_can_learn_any_helicity_distribution_even_under_the_flip() -> None:
    scores = HelicityScores(3, 6, 1)
    assert torch.linalg.matrix_rank(scores.products[:, :32]).item() == 31
