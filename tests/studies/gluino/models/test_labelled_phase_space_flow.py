"""The joint model of kinematics and labels."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor

from hepdensity.models.build import build
from hepdensity.models.layers.autoregressive import AutoregressiveSpline
from hepdensity.models.layers.permutation import reorder_particles
from hepdensity.physics.gluino import colour_orders, colour_probabilities, squared_amplitudes
from hepdensity.physics.phase_space import log_flat_density, rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.models.labelled_phase_space_flow import (
    LabelledPhaseSpaceFlow,
    labelled_phase_space_flow,
)
from hepdensity.studies.gluino.models.labels import pack, unpack

MASS = 607.7137 / 3000
LAYOUT = layouts.labels({"mass": MASS})
BUILDER = "hepdensity.studies.gluino.models.labelled_phase_space_flow:labelled_phase_space_flow"
SIZE: dict[str, Any] = {"layers": 1, "bins": 4, "residual_blocks": 1, "units_per_dim": 2}


@pytest.fixture(scope="module")
def model() -> LabelledPhaseSpaceFlow:
    """A small model with weights different from the initial ones."""
    result = labelled_phase_space_flow(
        layout=LAYOUT, **SIZE, seed=1, helicity_width=8, colour_width=8, colour_terms=4
    ).double()
    generator = torch.Generator().manual_seed(2)
    for network in (result.helicities, result.colours):
        for p in network.parameters():
            p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64) * 0.15
    for layer in result.kinematics.flow.layers:
        if isinstance(layer, AutoregressiveSpline):
            final = layer.made.final
            noise = torch.randn(final.weight.shape, generator=generator, dtype=torch.float64)
            final.weight.data += noise * final.mask
    return result


@pytest.fixture(scope="module")
def events(model: LabelledPhaseSpaceFlow) -> Tensor:
    return model.sample(40, torch.Generator().manual_seed(3))


def all_labels() -> tuple[Tensor, Tensor]:
    """All 7,680 pairs of helicities and colour positions."""
    bits = (torch.arange(64)[:, None] >> torch.arange(5, -1, -1)) & 1
    positions = torch.tensor(list(permutations(range(5))))
    return (2 * bits - 1).repeat_interleave(120, dim=0), positions.repeat(64, 1)


def test_labels_of_an_event_add_up_to_one(model: LabelledPhaseSpaceFlow, events: Tensor) -> None:
    helicities, positions = all_labels()
    with torch.no_grad():
        angles = events[:1, :8].expand(len(positions), -1)
        values = model.log_prob_labels(angles, helicities, positions).sum(0).exp()
    assert values.sum().item() == pytest.approx(1, abs=1e-9)
    assert values.std() > 0.3 * values.mean()


def test_exact_density_does_not_depend_on_the_labelling(
    model: LabelledPhaseSpaceFlow, events: Tensor
) -> None:
    order = torch.tensor([2, 0, 3, 1]).expand(len(events), -1)
    moved = reorder_particles(LAYOUT)(events, order)
    with torch.no_grad():
        first, second = (model.log_prob_tight(x) for x in (events, moved))
    torch.testing.assert_close(first, second)


def flipped(events: Tensor) -> Tensor:
    """Flip all helicities."""
    angles, helicities, positions = unpack(events)
    return pack(angles, -helicities, positions)


def reversed_trace(events: Tensor) -> Tensor:
    """Read the colour trace backwards."""
    angles, helicities, positions = unpack(events)
    return pack(angles, helicities, 4 - positions)


def beams_exchanged(events: Tensor) -> Tensor:
    """A half turn about a transverse axis; the trace still begins with leg 0, formerly leg 1."""
    angles, helicities, positions = unpack(events)
    place = torch.cat((torch.zeros_like(positions[:, :1]), positions + 1), dim=1)
    place = (place[:, [1, 0, 2, 3, 4, 5]] - place[:, 1:2]) % 6
    return pack(1 - angles, helicities[:, [1, 0, 2, 3, 4, 5]], place[:, 1:] - 1)


@pytest.mark.parametrize("motion", [flipped, reversed_trace, beams_exchanged])
def test_model_has_the_symmetries_of_the_process(
    motion: Callable[[Tensor], Tensor], model: LabelledPhaseSpaceFlow, events: Tensor
) -> None:
    with torch.no_grad():
        labels = [model.log_prob_labels(*unpack(x)) for x in (events, motion(events))]
        torch.testing.assert_close(labels[1], labels[0], atol=1e-6, rtol=0)
        joint = [model.log_prob_tight(x) for x in (events, motion(events))]
        torch.testing.assert_close(joint[1], joint[0], atol=1e-6, rtol=0)
    assert not torch.equal(events, motion(events))


def test_factors_add_up_to_the_loss(model: LabelledPhaseSpaceFlow, events: Tensor) -> None:
    with torch.no_grad():
        generators = [torch.Generator().manual_seed(8) for _ in range(2)]
        losses = model.factor_losses(events, generators[0])
        torch.testing.assert_close(losses.sum(), model.loss(events, generators[1]))
        labels = model.log_prob_labels(*unpack(events))
    torch.testing.assert_close(losses[1:], -labels.mean(1))
    owned = {id(p) for group in model.factors() for module in group for p in module.parameters()}
    assert owned == {id(p) for p in model.parameters()}


@pytest.mark.parametrize("mass", [-0.1, 0.25])
def test_impossible_masses_are_refused(mass: float) -> None:
    with pytest.raises(ValueError, match=r"must be >= 0 and < 0\.25"):
        labelled_phase_space_flow(layout=LAYOUT, **SIZE, seed=1, mass=mass)


def test_mass_comes_from_the_layout_unless_it_is_given() -> None:
    first, second = (
        labelled_phase_space_flow(layout=LAYOUT, **SIZE, seed=1, mass=mass) for mass in (None, 0.1)
    )
    assert (first.mass, second.mass) == (MASS, 0.1)
    with pytest.raises(ValueError, match="needs the gluino mass"):
        labelled_phase_space_flow(layout=layouts.labels(), **SIZE, seed=1)
    with pytest.raises(ValueError, match="choose another kind"):
        labelled_phase_space_flow(layout=layouts.angles(), **SIZE, seed=1)


def test_joint_density_is_that_of_kinematics_times_labels(
    model: LabelledPhaseSpaceFlow, events: Tensor
) -> None:
    with torch.no_grad():
        labels = model.log_prob_labels(*unpack(events)).sum(0)
        expected = model.kinematics.log_prob_tight(events[:, :8]) + labels
        torch.testing.assert_close(model.log_prob_tight(events), expected)


def test_samples_have_the_probabilities_of_the_model(model: LabelledPhaseSpaceFlow) -> None:
    n = 6000
    batch = model.sample(n, torch.Generator().manual_seed(4))
    angles, helicities, positions = unpack(batch)
    assert log_flat_density(angles).isfinite().all()
    assert (positions.sort(dim=1).values == torch.arange(5)).all()
    with torch.no_grad():
        probability = model.log_prob_labels(angles, helicities, positions).sum(0).exp()
    # E[1 / p(labels | x)] over the labels is their number.
    inverse = 1 / probability
    assert abs(inverse.mean() - 7680) < 4 * inverse.std() / n**0.5


def test_one_draw_is_a_bound(model: LabelledPhaseSpaceFlow, events: Tensor) -> None:
    assert model.bound
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        draws = torch.stack([model.log_prob(events, generator) for _ in range(200)])
        relative = (draws - model.log_prob_tight(events)).exp()
    assert relative.std() > 0.02
    assert abs(relative.mean() - 1) < 4 * relative.mean(dim=1).std() / 200**0.5


def test_loss_has_a_gradient_everywhere(model: LabelledPhaseSpaceFlow, events: Tensor) -> None:
    generator = torch.Generator().manual_seed(6)
    model.loss(events, generator).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()


@pytest.mark.parametrize("column", [8, 10, 12], ids=["helicity", "gluon colour", "gluino colour"])
def test_labels_out_of_range_are_refused(
    model: LabelledPhaseSpaceFlow, events: Tensor, column: int
) -> None:
    wrong = events.clone()
    wrong[2, column] = 7
    with pytest.raises(ValueError, match="category out of range in event 3"):
        model.log_prob_tight(wrong)


@pytest.mark.parametrize(
    ("columns", "message"), [(8, "of 19 columns, not 8"), (19, "category out of range")]
)
def test_other_events_are_refused(
    model: LabelledPhaseSpaceFlow, events: Tensor, columns: int, message: str
) -> None:
    model.prepare(events)
    wrong = events[:, :columns].clone()
    wrong[0, -1] = 9
    with pytest.raises(ValueError, match=message):
        model.prepare(wrong)


def test_model_has_the_symmetries_of_the_true_labels(generator: torch.Generator) -> None:
    momenta, _ = rambo(3, 4, 3000.0, 600.0, generator)
    squared = squared_amplitudes(momenta, 600.0, 1.0)
    torch.testing.assert_close(squared, squared.flip(1))
    mirrored = momenta * momenta.new_tensor([1, 1, -1, 1])
    torch.testing.assert_close(squared_amplitudes(mirrored, 600.0, 1.0), squared)
    helicity = torch.tensor([5, 17, 42])
    colours = colour_probabilities(momenta, helicity, 600.0)
    torch.testing.assert_close(colour_probabilities(mirrored, helicity, 600.0), colours)
    torch.testing.assert_close(colour_probabilities(momenta, 63 - helicity, 600.0), colours)
    orders = colour_orders(4).tolist()
    reverse = [orders.index([0, *order[:0:-1]]) for order in orders]
    torch.testing.assert_close(colours[:, reverse], colours)


def test_parameters_are_within_those_of_the_mixture() -> None:
    size = {"layers": 8, "bins": 32, "residual_blocks": 2, "units_per_dim": 10}
    model = build(BUILDER, LAYOUT, 1, size)
    assert sum(p.numel() for p in model.parameters()) <= 1_332_288


def test_pack_and_sample_agree_on_the_layout(events: Tensor) -> None:
    assert events.shape == (40, 19)
    torch.testing.assert_close(pack(*unpack(events)), events)
