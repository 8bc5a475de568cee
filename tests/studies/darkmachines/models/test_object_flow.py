"""Our density of reconstructed events is exact, symmetric and normalised, and it learns."""

import math
from functools import cache

import pytest
import torch
from object_batches import known_log_density, random_batch
from torch import Generator, Tensor

from hepdensity.models.build import build
from hepdensity.models.layers.permutation import reorder_particles
from hepdensity.studies.darkmachines.layouts import layout_of
from hepdensity.studies.darkmachines.models.object_flow import ObjectFlow

BUILDER = "hepdensity.studies.darkmachines.models.object_flow:object_flow"
SETTINGS = {"width": 16, "blocks": 1, "attention_heads": 2, "hidden": 16, "bins": 6}
OBJECTS = 3
LAYOUT = layout_of("mass", OBJECTS)
SEEN, UNSEEN = range(2)


def numbers(seed: int = 1) -> Generator:
    return Generator().manual_seed(seed)


def new_model(objects: int = OBJECTS) -> ObjectFlow:
    model = build(BUILDER, layout_of("mass", objects), 1, SETTINGS).double()
    assert isinstance(model, ObjectFlow)
    return model


@cache
def trained(objects: int = OBJECTS) -> ObjectFlow:
    """A model after some steps; the density is far from that of the initial weights."""
    model = new_model(objects)
    events, _ = random_batch(3_000, objects, SEEN)
    model.prepare(events)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for step in range(120):
        optimiser.zero_grad()
        loss = model.loss(events[500 * (step % 6) : 500 * (step % 6) + 500])
        loss.backward()
        optimiser.step()
    return model.requires_grad_(False)


def test_held_out_log_likelihood_comes_close_to_the_known_one() -> None:
    events, truth = random_batch(3_000, OBJECTS, UNSEEN)
    difference = truth - trained().log_prob(events)
    assert difference.isfinite().all()
    assert -0.02 < float(difference.mean()) < 0.55
    untrained = new_model()
    untrained.prepare(events)
    assert float((truth - untrained.log_prob(events)).mean().detach()) > 0.5


@pytest.mark.parametrize("objects", [1, 2, 3])
def test_the_density_of_samples_is_normalised(objects: int) -> None:
    """The mean of q / p over samples of p is one for a density q within the support of p."""
    model = trained(objects)
    drawn = model.sample(20_000, numbers())
    log_q = known_log_density(drawn, layout_of("mass", objects))
    lowest = drawn[:, [model.layout.index("log_pt", k) for k in range(objects)]]
    above = (lowest.nan_to_num(nan=9.0) > math.log(20) + 1e-3).all(dim=1)
    ratio = torch.where(above, (log_q - model.log_prob(drawn)).exp(), 0.0)
    assert float(ratio.mean()) == pytest.approx(1, abs=5 * float(ratio.std()) / 20_000**0.5)
    assert float(ratio.std()) < 3


def test_samples_are_possible_events_and_have_a_finite_density() -> None:
    drawn = trained().sample(2_000, numbers())
    assert drawn.shape == (2_000, LAYOUT.features)
    assert trained().log_prob(drawn).isfinite().all()
    assert trained().float().log_prob(drawn.float()).isfinite().all()
    trained().double()


def moved(batch: Tensor, seed: int) -> Tensor:
    """Events with their objects in a random order."""
    absent = batch[:, [LAYOUT.index("log_pt", k) for k in range(OBJECTS)]].isnan()
    keys = torch.rand(absent.shape, generator=numbers(seed)) + absent
    return reorder_particles(LAYOUT)(batch, keys.argsort(dim=1))


def turned(batch: Tensor) -> Tensor:
    """Events turned around the beam by one radian."""
    result = batch.clone()
    for column in [LAYOUT.index("met_phi"), *(LAYOUT.index("phi", k) for k in range(OBJECTS))]:
        result[:, column] = (batch[:, column] + 1 + math.pi).remainder(2 * math.pi) - math.pi
    return result


def mirrored(batch: Tensor, name: str) -> Tensor:
    """Events with the opposite sign of pseudorapidities or of azimuths."""
    result = batch.clone()
    columns = [LAYOUT.index(name, k) for k in range(OBJECTS)]
    columns += [LAYOUT.index("met_phi")] if name == "phi" else []
    result[:, columns] *= -1
    return result


def test_the_density_does_not_depend_on_order_rotation_and_reflections() -> None:
    events, _ = random_batch(500, OBJECTS, UNSEEN)
    expected = trained().log_prob(events)
    for other in (
        moved(events, 3),
        turned(events),
        mirrored(events, "eta"),
        mirrored(events, "phi"),
    ):
        torch.testing.assert_close(trained().log_prob(other), expected, rtol=1e-9, atol=1e-9)


def test_symmetry_is_exact_in_single_precision_too() -> None:
    events = random_batch(500, OBJECTS, UNSEEN)[0].float()
    model = new_model().float()
    model.prepare(events)
    torch.testing.assert_close(model.log_prob(moved(events, 3)), model.log_prob(events))


def test_numbers_of_objects_have_the_counted_probabilities() -> None:
    model = trained()
    assert float(model.log_probabilities.exp().sum()) == pytest.approx(1)
    for chosen in range(OBJECTS):
        drawn = model.sample_set(300, chosen, numbers())
        assert (~drawn[:, 2:].isnan()).any(dim=1).all()
        count = (~drawn[:, [LAYOUT.index("log_pt", k) for k in range(OBJECTS)]].isnan()).sum(dim=1)
        assert set(count.tolist()) == {chosen + 1}
    with pytest.raises(ValueError, match="no presence set 3"):
        model.sample_set(1, 3)


def test_types_given_their_number_add_up_to_one() -> None:
    kinds = torch.cartesian_prod(*[torch.arange(7)] * 2)
    absent = torch.full((len(kinds), 1), -1)
    log_p = trained().types.log_prob(torch.cat([kinds, absent], dim=1))
    assert float(log_p.exp().sum()) == pytest.approx(1)


def test_events_below_the_threshold_of_a_type_are_impossible() -> None:
    events, _ = random_batch(50, OBJECTS, UNSEEN)
    model = trained()
    events[:, LAYOUT.index("log_pt", 0)] = math.log(12)
    assert (model.log_prob(events) == -torch.inf).all()
    assert (model.thresholds < math.log(20) + 0.01).all()


def test_parts_add_up_and_are_the_factors_of_the_loss() -> None:
    events, _ = random_batch(100, OBJECTS, UNSEEN)
    types, kinematics = trained().log_parts(events)
    torch.testing.assert_close(types + kinematics, trained().log_prob_tight(events))
    expected = -torch.stack([types.mean(), kinematics.mean()])
    torch.testing.assert_close(trained().factor_losses(events), expected)
    assert trained().exact and not trained().bound
    modules = {id(module) for factor in trained().factors() for module in factor}
    parameters = sum(p.numel() for f in trained().factors() for m in f for p in m.parameters())
    assert len(modules) == 8
    assert parameters == sum(p.numel() for p in trained().parameters())


def test_other_events_and_layouts_are_refused() -> None:
    with pytest.raises(ValueError, match="takes events of 17 columns, not 5"):
        trained().log_prob(torch.zeros(2, 5, dtype=torch.float64))
    with pytest.raises(ValueError, match="no particle column 'log_mass'"):
        build(BUILDER, layout_of("max", 3), 1, SETTINGS)
    with pytest.raises(ValueError, match="width 16 is not a multiple of 3 heads"):
        build(BUILDER, LAYOUT, 1, {**SETTINGS, "attention_heads": 3})
    with pytest.raises(ValueError, match="nothing has been counted"):
        new_model().log_prob(random_batch(2, OBJECTS)[0])
