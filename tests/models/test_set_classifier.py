"""Classifier of sets: invariances, what it learns, and what it refuses."""

import pytest
import torch

from hepdensity.models.base import DensityModel
from hepdensity.models.build import build, build_as
from hepdensity.models.layout import Column, Layout, PresenceSet
from hepdensity.models.set_classifier import SetClassifier, set_classifier

BUILDER = "hepdensity.models.set_classifier:set_classifier"
SIZES = {"width": 16, "blocks": 1, "attention_heads": 2}


def layout_of(particles: int) -> Layout:
    real = "real"
    return Layout(
        event=(Column("x", support=real), Column("label", categories=2)),
        particle=(Column("a", support=real), Column("b", support=real)),
        particles=particles,
        sets=tuple(PresenceSet(f"n{n}", n) for n in range(particles + 1)),
    )


def events_of(n: int, particles: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    """Events whose second kind has particles that are moved by `shift`."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % 2
    points = torch.randn(n, particles, 2, generator=generator, dtype=torch.float64)
    points = points + shift * label[:, None, None]
    count = torch.randint(1, particles + 1, (n,), generator=generator)
    points[torch.arange(particles) >= count[:, None]] = torch.nan
    first = torch.randn(n, 1, generator=generator, dtype=torch.float64)
    return torch.cat([first, points.flatten(1), label[:, None].double()], dim=1)


def model_of(particles: int = 4) -> tuple[SetClassifier, torch.Tensor]:
    model = set_classifier(layout=layout_of(particles), seed=1, **SIZES).double()
    events = events_of(64, particles, 2)
    model.prepare(events)
    return model.eval(), events


def test_order_and_padding_do_not_count() -> None:
    model, events = model_of()
    odds = model.log_odds(events)
    points = events[:, 1:9].unflatten(1, (4, 2))
    order = torch.argsort(points[:, :, 0].nan_to_num(nan=99.0), dim=1, stable=True)
    moved = points.gather(1, order[:, :, None].expand_as(points)).flatten(1)
    permuted = torch.cat([events[:, :1], moved, events[:, 9:]], dim=1)
    torch.testing.assert_close(model.log_odds(permuted), odds)
    wide = set_classifier(layout=layout_of(8), seed=1, **SIZES).double()
    own = {k: v for k, v in model.state_dict().items() if "standardisation" not in k}
    wide.load_state_dict(own, strict=False)
    nothing = torch.full((64, 8), torch.nan, dtype=torch.float64)
    padded = torch.cat([events[:, :9], nothing, events[:, 9:]], dim=1)
    for name in ("mean", "std"):
        known = getattr(model.standardisation, name)
        getattr(wide.standardisation, name)[:] = torch.cat([known, known[1:9]])
    hidden = wide.eval().get_submodule("leave.0").get_parameter("weight").data
    hidden[:, -1] *= 2  # The last feature is the share of places that are taken.
    torch.testing.assert_close(wide.log_odds(padded), odds)


def test_label_does_not_count() -> None:
    model, events = model_of()
    other = events.clone()
    other[:, -1] = 1 - other[:, -1]
    assert (model.log_odds(other) == model.log_odds(events)).all()


def test_no_gradient_is_infinite_for_events_without_particles() -> None:
    model, events = model_of()
    events[0, 1:9] = torch.nan
    loss = model.loss(events)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_it_learns_the_log_odds() -> None:
    """Of one particle from N(0, 1) or N(1, 1) in both columns: log-odds a + b - 1."""
    layout = layout_of(1)
    model = set_classifier(layout=layout, seed=1, **SIZES)
    events = events_of(4000, 1, 3, shift=1.0).float()
    model.prepare(events)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for batch in events.split(200) * 8:
        optimiser.zero_grad()
        model.loss(batch).backward()
        optimiser.step()
    test = events_of(2000, 1, 4, shift=1.0).float()
    with torch.no_grad():
        odds = model.log_odds(test)
    truth = test[:, 1:3].sum(dim=1) - 1
    assert float((odds - truth).square().mean().sqrt()) < 0.5
    assert float(odds.mean() - truth.mean()) == pytest.approx(0, abs=0.15)


def test_it_is_no_density() -> None:
    assert not isinstance(build(BUILDER, layout_of(2), 1, SIZES), DensityModel)
    with pytest.raises(ValueError, match="is a SetClassifier, not a DensityModel"):
        build_as(DensityModel, BUILDER, layout_of(2), 1, SIZES)


def test_bad_input() -> None:
    model, events = model_of()
    with pytest.raises(ValueError, match="takes events of 10 columns, not of shape"):
        model.log_odds(events[:, :5])
    with pytest.raises(ValueError, match="have one label only; provide events of both"):
        model.prepare(events[events[:, -1] == 0])
    with pytest.raises(ValueError, match="width 15 is not a multiple of 2 attention heads"):
        set_classifier(layout=layout_of(2), seed=1, **{**SIZES, "width": 15})
    plain = Layout(event=(Column("x"),), particle=(Column("a"),), particles=2)
    with pytest.raises(ValueError, match="needs one categorical event column of two categories"):
        set_classifier(layout=plain, seed=1, **SIZES)
    alone = Layout(event=(Column("label", categories=2),), particle=(), particles=0)
    with pytest.raises(ValueError, match="needs particles"):
        set_classifier(layout=alone, seed=1, **SIZES)
