"""Features of pairs of legs: invariant where the amplitudes are."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hepdensity.models.layers.invariants import PAIR_FEATURES, pair_features
from hepdensity.models.networks.legs import PAIRS
from hepdensity.physics.phase_space import momenta_to_angles, rambo


@pytest.fixture
def angles(generator: torch.Generator) -> Tensor:
    return momenta_to_angles(rambo(50, 4, 1.0, 0.0, generator)[0])


def rotate(x: Tensor) -> Tensor:
    return torch.where(torch.arange(8) % 2 == 1, (x + 0.3) % 1, x)


def reflect(x: Tensor) -> Tensor:
    return torch.where(torch.arange(8) % 2 == 1, 1 - x, x)


@pytest.mark.parametrize("motion", [rotate, reflect], ids=["rotation", "reflection"])
def test_features_are_invariant(angles: Tensor, motion: Callable[[Tensor], Tensor]) -> None:
    torch.testing.assert_close(
        pair_features(motion(angles)), pair_features(angles), atol=1e-6, rtol=0
    )


def test_invariants_of_all_partners_of_a_leg_are_its_energy(angles: Tensor) -> None:
    invariant = (pair_features(angles)[..., 0] + 1) / 4
    touching = [k for k, pair in enumerate(PAIRS) if 0 in pair]
    # s_01 = 1, and the four gluinos balance the other gluon.
    torch.testing.assert_close(invariant[:, touching[0]], torch.ones(50, dtype=angles.dtype))
    balance = invariant[:, touching[1:]].sum(1)
    torch.testing.assert_close(balance, torch.ones(50, dtype=angles.dtype))


def test_reflection_along_the_beam_exchanges_the_gluons(angles: Tensor) -> None:
    mirrored = torch.where(torch.arange(8) % 2 == 0, 1 - angles, angles)
    exchanged = [PAIRS.index(tuple(sorted(_swap(leg) for leg in pair))) for pair in PAIRS]
    expected = pair_features(angles)[:, exchanged]
    torch.testing.assert_close(pair_features(mirrored), expected, atol=1e-6, rtol=0)


def _swap(leg: int) -> int:
    return 1 - leg if leg < 2 else leg


def test_kinds_of_pairs_are_marked() -> None:
    kinds = pair_features(torch.full((1, 8), 0.5))[0, :, 2:]
    expected = [sum(leg > 1 for leg in pair) for pair in PAIRS]
    assert kinds.argmax(1).tolist() == expected
    assert kinds.sum(1).tolist() == [1] * 15


def test_unphysical_angles_give_finite_features(generator: torch.Generator) -> None:
    features = pair_features(torch.rand(200, 8, generator=generator))
    assert features.shape == (200, 15, PAIR_FEATURES)
    assert features.dtype == torch.float32
    assert features.isfinite().all()
