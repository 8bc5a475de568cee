"""Real columns in the unit cube: Jacobian, tails, reordering of particles."""

import pytest
import torch
from contracts import check_log_jacobian, check_round_trip
from model_events import general_events, general_layout
from torch import Tensor

from hepdensity.models.layers.permutation import reorder_particles
from hepdensity.models.layers.standardisation import Standardisation


def layer(events: Tensor) -> Standardisation:
    result = Standardisation(general_layout(categorical=False))
    result.count(events)
    return result


@pytest.fixture
def events() -> Tensor:
    return general_events(general_layout(sets=False, categorical=False), 500)


def test_it_is_a_bijection_with_its_jacobian(events: Tensor) -> None:
    standardise = layer(events)
    check_log_jacobian(standardise, events[:20])
    u, contribution = standardise.inverse(events[:20])
    assert torch.equal(u[:, 2::2], events[:20, 2::2])
    back, same = standardise(u)
    torch.testing.assert_close(back, events[:20])
    torch.testing.assert_close(same, contribution)
    check_round_trip(standardise, u.clone().clamp(0.1, 0.9))


def test_a_uniform_base_has_a_gaussian_density(events: Tensor) -> None:
    standardise = layer(events)
    _, contribution = standardise.inverse(events)
    energy, momenta = events[:, 0], events[:, 1::2]
    normal = torch.distributions.Normal
    expected = normal(energy.mean(), energy.std()).log_prob(energy)
    expected += normal(momenta.mean(), momenta.std()).log_prob(momenta).sum(dim=1)
    torch.testing.assert_close(contribution, expected)


def test_columns_of_a_name_are_counted_over_particles_that_are_present() -> None:
    events = general_events(general_layout(categorical=False), 300)
    standardise = layer(events)
    known = events[:, 1::2][~events[:, 1::2].isnan()]
    assert standardise.mean[1:].tolist() == pytest.approx([known.mean().item()] * 3)
    u, contribution = standardise.inverse(events)
    assert torch.equal(u.isnan(), events.isnan())
    assert contribution.isfinite().all()
    reorder = reorder_particles(general_layout(categorical=False))
    order = torch.tensor([2, 0, 1]).expand(len(events), -1)
    moved, same = standardise.inverse(reorder(events, order))
    torch.testing.assert_close(moved, reorder(u, order), equal_nan=True)
    torch.testing.assert_close(same, contribution)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
def test_both_tails_are_inside_the_cube_and_fall_off(dtype: torch.dtype, events: Tensor) -> None:
    standardise = layer(events)
    x = events[:4].clone().to(dtype)
    x[:, 0] = torch.tensor([-300.0, -30.0, 30.0, 300.0])
    u, contribution = standardise.inverse(x)
    assert ((u[:, 0] > 0) & (u[:, 0] < 1)).all()
    assert contribution.isfinite().all()
    assert contribution[0] < contribution[1] - 100
    assert contribution[3] < contribution[2] - 100
    z = torch.cat([torch.zeros(1, 7), torch.ones(1, 7)]).to(dtype)
    assert standardise(z)[0][:, [0, 1, 3, 5]].isfinite().all()


def test_bad_columns_are_refused(events: Tensor) -> None:
    with pytest.raises(ValueError, match=r"call prepare\(training\) first"):
        Standardisation(general_layout(categorical=False)).inverse(events)
    events[3, 1] = torch.inf
    with pytest.raises(ValueError, match="column 'momentum' has infinite values"):
        layer(events)
    events[:, 0] = 2.0
    with pytest.raises(ValueError, match="column 'energy' has the same value"):
        layer(events)
