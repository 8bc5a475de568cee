"""Accuracy of log-densities: where it is known, and what it must not depend on."""

from typing import Any

import pytest
import torch

from hepdensity.models.diffusion.density import SetDensity, set_density
from hepdensity.models.diffusion.likelihood import log_parts, total
from hepdensity.studies.jets.evaluation.accuracy import accuracy
from hepdensity.studies.jets.evaluation.solvers import solver_rows
from hepdensity.studies.jets.layouts import layout_of

LAYOUT = layout_of("logit", 4)


def model_of(**settings: Any) -> tuple[SetDensity, torch.Tensor]:
    """A model whose weights are random, and events."""
    generator = torch.Generator().manual_seed(1)
    events = torch.randn(24, LAYOUT.features, generator=generator, dtype=torch.float64)
    count = torch.randint(1, 5, (24,), generator=generator)
    absent = torch.arange(4).repeat_interleave(3) >= count[:, None]
    events[:, 3:][absent] = torch.nan
    sizes = {"width": 8, "blocks": 1, "attention_heads": 2, "event_width": 8, "event_blocks": 1}
    given = {"objective": "flow-matching", "steps": 8, **sizes, **settings}
    model = set_density(layout=LAYOUT, seed=1, **given).double()
    model.prepare(events)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn(weights.shape, generator=generator).to(weights), alpha=0.2)
    return model, events


@pytest.mark.parametrize("network", ["full", "hollow"])
def test_exact_divergences_have_no_noise(network: str) -> None:
    model, events = model_of(network=network)
    jets = {"test": events, "top": events[::2]}
    generator = torch.Generator().manual_seed(2)
    found = accuracy(model, LAYOUT, jets, {"jets": 6, "permutations": 4}, generator)
    assert found["probe_rms"] == 0
    assert found["not_converged"] == 0
    assert (found["jets"], found["ms_per_jet"] > 0) == (6, True)
    coarse, fine = (
        total(log_parts(model, events[:6], how))
        for how in (model.integration, model.integration.finer())
    )
    shift = (coarse - fine).detach()
    assert found["solver_mean"] == pytest.approx(float(shift.mean()))
    assert found["solver_rms"] == pytest.approx(float(shift.square().mean().sqrt()))
    assert 0 < found["solver_rms_score"] <= found["solver_rms"] * 1.5
    for group in jets:
        values = found["permutations"][group]
        assert len(values) == 4
        assert max(values) - min(values) < 1e-9


def test_probes_have_noise() -> None:
    model, events = model_of(divergence="hutchinson")
    generator = torch.Generator().manual_seed(2)
    settings = {"jets": 24, "permutations": 2}
    found = accuracy(model, LAYOUT, {"test": events}, settings, generator)
    assert found["probe_rms"] > 1e-3


def test_solvers() -> None:
    """More steps are nearer to the finest solve; the exact and the hollow divergence agree."""
    model, events = model_of(network="hollow")
    settings = {"jets": 12, "exact_jets": 4}
    generator = torch.Generator().manual_seed(3)
    rows = solver_rows(model, "model", events, settings, generator)
    fixed = [row for row in rows if row["solver"] == "multistep" and row["divergence"] == "hollow"]
    assert [row["steps"] for row in fixed] == [8, 16, 32]
    errors = [row["rms"] for row in fixed]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.2 * errors[0]
    exact = next(row for row in rows if row["divergence"] == "exact")
    assert (exact["jets"], exact["probes"]) == (4, None)
    noisy = {row["probes"]: row["rms"] for row in rows if row["divergence"] == "hutchinson"}
    assert noisy[1] > noisy[4] > errors[1]
    assert {row["not_converged"] for row in rows} == {0}
    adaptive = next(row for row in rows if row["solver"] == "adaptive")
    assert adaptive["steps"] is None
    assert adaptive["rms"] < 1e-2


def test_solvers_of_a_full_network() -> None:
    model, events = model_of()
    rows = solver_rows(
        model, "model", events, {"jets": 6, "exact_jets": 3}, torch.Generator().manual_seed(3)
    )
    assert {row["divergence"] for row in rows} == {"exact", "hutchinson"}
    assert {row["jets"] for row in rows if row["divergence"] == "exact"} == {3}
