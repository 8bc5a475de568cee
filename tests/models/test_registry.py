"""Every kind of model that a configuration can name can be built, prepared, trained and sampled."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from hepdensity.models.base import multiplicity_model
from hepdensity.models.layers.labels import split_category, with_codes
from hepdensity.models.registry import build_model, builder_of

FLOW = {"layers": 1, "bins": 4, "residual_blocks": 1, "units_per_dim": 2}
BLOCKS: dict[str, dict[str, Any]] = {
    "flow": {"kind": "flow", "permutation": "sort"},
    "dropout": {"kind": "dropout", "permutation": "sort", "objective": "likelihood"},
    "dequantisation-uniform": {"kind": "dequantisation", "noise": "uniform", "permutation": "sort"},
    "dequantisation-flow": {"kind": "dequantisation", "noise": "flow", "permutation": "stochastic"},
    "argmax-uniform": {"kind": "argmax", "noise": "uniform", "permutation": "stochastic"},
    "argmax-flow": {"kind": "argmax", "noise": "flow", "permutation": "sort"},
    "mixture-likelihood": {"kind": "mixture", "objective": "likelihood", "permutation": "sort"},
    "mixture-balanced": {"kind": "mixture", "objective": "balanced", "permutation": "stochastic"},
    "classifier": {"kind": "classifier", "permutation": "sort"},
}


def events(kind: str, n: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    angles = torch.rand(n, 8, generator=generator)
    if kind == "dropout":
        angles[::2, 2:] = torch.nan
    if kind in ("flow", "dropout"):
        return angles
    codes = torch.randint(7680, (n,), generator=generator)
    return with_codes(angles, split_category(codes))


@pytest.mark.parametrize("name", BLOCKS)
def test_every_kind_works_from_its_block(name: str, generator: Generator) -> None:
    block = BLOCKS[name]
    model, x = build_model({**block, **FLOW}, seed=1), events(block["kind"], 40)
    model.prepare(x)
    model.loss(x, generator).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    with torch.no_grad():
        assert model.log_prob(x, generator).isfinite().all()
        assert model.log_prob_tight(x[:4], 2, generator).shape == (4,)
    assert model.sample(20, generator).shape == (20, x.shape[1])
    assert len(model.attempt(20, generator)) <= 20


@pytest.mark.parametrize("name", BLOCKS)
def test_seed_decides_the_weights_and_leaves_the_global_stream_alone(name: str) -> None:
    torch.manual_seed(11)
    block = {**BLOCKS[name], **FLOW}
    first, second, other = (build_model(block, seed).state_dict() for seed in (1, 1, 2))
    drawn = torch.rand(1)
    torch.manual_seed(11)
    assert torch.equal(drawn, torch.rand(1))
    names = [n for n in first if first[n].dtype.is_floating_point and "log_" not in n]
    assert all(torch.equal(first[n], second[n]) for n in names)
    assert any(not torch.equal(first[n], other[n]) for n in names)


@pytest.mark.parametrize("name", ["dropout", "flow"])
def test_only_models_of_several_multiplicities_are_taken_for_such(name: str) -> None:
    model = build_model({**BLOCKS[name], **FLOW}, seed=1)
    if name == "dropout":
        assert multiplicity_model(model, name) is model
        return
    with pytest.raises(ValueError, match=r"^flow: no MultiplicityModel with an exact likelihood"):
        multiplicity_model(model, name)


def test_plain_flow_refuses_events_of_mixed_multiplicity() -> None:
    model = build_model({**BLOCKS["flow"], **FLOW}, seed=1)
    with pytest.raises(ValueError, match=r"event 1 has dropped dimensions.*kind 'dropout'"):
        model.prepare(events("dropout", 4))
    with pytest.raises(ValueError, match="events of 8 columns, not 19"):
        model.prepare(events("mixture", 4))


OWN = {"kind": "own", "data": "angles", "settings": {"permutation": "sort", **FLOW}}


def test_own_builder_is_called_with_its_settings(generator: Generator) -> None:
    block = {**OWN, "builder": "hepdensity.models.flows.flow:spline_flow"}
    own, listed = (build_model(b, seed=1) for b in (block, {**BLOCKS["flow"], **FLOW}))
    x = events("flow", 5)
    assert torch.equal(own.log_prob(x), listed.log_prob(x))
    assert builder_of(block) == ("hepdensity.models.flows.flow", "spline_flow")


@pytest.mark.parametrize("builder", ["hepdensity.models.gone:build", "hepdensity.models.base:gone"])
def test_missing_builder_is_named(builder: str) -> None:
    with pytest.raises(ValueError, match=f"no model builder {builder} "):
        build_model({**OWN, "builder": builder}, seed=1)


def test_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown model kind 'gan': choose from \['argmax'.*own"):
        build_model({"kind": "gan"}, seed=1)
