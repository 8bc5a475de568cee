import math
from pathlib import Path

import numpy as np
import pytest
import torch

from hepdensity.generate.gluino import GeneratedEvents, generate_unweighted
from hepdensity.physics.colour_order import lehmer_code
from hepdensity.physics.events import Events
from hepdensity.physics.gluino import colour_probabilities, flat_weights, squared_amplitudes
from hepdensity.physics.phase_space import rambo
from hepdensity.studies.gluino.evaluation.comparison import (
    at_fixed_coupling,
    compare_events,
    compare_spectra,
    read_madgraph_sample,
    relabel,
)

SQRT_S, MASS, ALPHA_S = 3000.0, 607.7137, 0.118
FILES = {2: "gg_2gluino_30k.h5", 4: "gg_4gluino_300k.h5"}
SMALLEST_P = 1e-4


def generate(n_events: int, n_out: int, seed: int = 1, chunk: int = 0) -> GeneratedEvents:
    return generate_unweighted(n_events, n_out, SQRT_S, MASS, ALPHA_S, seed, chunk)


@pytest.fixture(scope="module")
def four() -> GeneratedEvents:
    return generate(60_000, 4)


@pytest.fixture(scope="module")
def two() -> GeneratedEvents:
    return generate(60_000, 2)


@pytest.fixture(params=["two", "four"])
def generated(request: pytest.FixtureRequest) -> GeneratedEvents:
    sample: GeneratedEvents = request.getfixturevalue(request.param)
    return sample


def madgraph(shared_data: Path, n_out: int) -> Events:
    """MadGraph's events, with gluinos in random order."""
    events = read_madgraph_sample(shared_data / "madgraph" / FILES[n_out], SQRT_S, MASS)
    return relabel(events, np.random.default_rng(1))


def first(events: Events, n: int) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """Momenta, helicity codes and colour codes of the first n events."""
    assert events.helicities is not None and events.colour_order is not None
    bits = 2 ** np.arange(events.n_legs)[::-1]
    codes = (events.helicities[:n] > 0) @ bits
    return torch.from_numpy(events.momenta[:n]), codes, lehmer_code(events.colour_order[:n])


def chi2_of_categories(counts: np.ndarray, probabilities: np.ndarray) -> tuple[float, int]:
    """Chi2 of counts (k,) of events with their own probabilities (n, k), and its size."""
    expected = probabilities.sum(0)
    variance = (probabilities * (1 - probabilities)).sum(0)
    used = expected > 5
    return float(((counts - expected)[used] ** 2 / variance[used]).sum()), int(used.sum())


def test_events_are_complete(generated: GeneratedEvents) -> None:
    events = generated.events
    assert len(events) == 60_000 and events.source == "embedded"
    total = events.momenta.sum(1)
    np.testing.assert_allclose(total, np.tile([SQRT_S, 0, 0, 0], (len(events), 1)), atol=1e-6)
    assert events.alpha_s is not None and (events.alpha_s == ALPHA_S).all()
    assert events.helicities is not None and events.colour_order is not None


def test_overweights_are_rare_and_reported(generated: GeneratedEvents) -> None:
    summary = generated.summary()
    assert 0 <= summary["overweight_fraction"] < 1e-3
    assert 0 <= summary["lost_fraction"] < 1e-5
    assert 0.8 < summary["efficiency"] < 1
    assert summary["points"] * summary["proposal_efficiency"] > summary["events"]


# Values of MadGraph at fixed coupling, with their errors [pb]; see shared/data/README.md.
@pytest.mark.parametrize(
    ("sample", "expected", "error"),
    [("two", 9.21, 0.12), ("four", 6.10e-4, 0.06e-4)],
    ids=["two", "four"],
)
def test_cross_sections(
    sample: str, expected: float, error: float, request: pytest.FixtureRequest
) -> None:
    events = request.getfixturevalue(sample).events
    assert abs(events.cross_section - expected) < 3 * math.hypot(error, events.cross_section_error)
    assert events.cross_section_error < 0.005 * expected


def test_events_agree_with_madgraph_at_fixed_coupling(
    generated: GeneratedEvents, shared_data: Path
) -> None:
    reference = at_fixed_coupling(madgraph(shared_data, generated.events.n_out))
    for row in compare_events(generated.events, reference):
        assert row.chi2_p > SMALLEST_P, row
        assert row.ks_p is None or row.ks_p > SMALLEST_P, row


def test_the_running_coupling_of_madgraph_shows(four: GeneratedEvents, shared_data: Path) -> None:
    rows = {row.observable: row for row in compare_events(four.events, madgraph(shared_data, 4))}
    mass = rows["smallest digluino mass"]
    assert mass.chi2_p < SMALLEST_P
    assert mass.ks_p is not None and mass.ks_p < SMALLEST_P


def test_the_proposal_leaves_no_trace(four: GeneratedEvents, generator: torch.Generator) -> None:
    """Compare with flat phase space and exact weights, also in the variables of the proposal g."""
    momenta, flat = rambo(15_000, 4, SQRT_S, MASS, generator)
    weights = flat_weights(momenta, flat, MASS).numpy()
    drawn = four.events.momenta
    for name, function in {
        "t-channel denominators": lambda p: np.log(p[..., 0] ** 2 - p[..., 3] ** 2).sum(1),
        "sum of squared energies": lambda p: (p[..., 0] ** 2).sum(1),
        "largest energy": lambda p: p[..., 0].max(1),
    }.items():
        row = compare_spectra(
            name, function(momenta.numpy()), weights, function(drawn), np.ones(len(drawn))
        )
        assert row.ks_p is not None and min(row.chi2_p, row.ks_p) > SMALLEST_P, row


def test_helicities_follow_the_squared_amplitudes(generated: GeneratedEvents) -> None:
    momenta, codes, _ = first(generated.events, 5000)
    squares = squared_amplitudes(momenta, MASS, ALPHA_S).numpy()
    probabilities = squares / squares.sum(1, keepdims=True)
    chi2, size = chi2_of_categories(np.bincount(codes, minlength=squares.shape[1]), probabilities)
    assert abs(chi2 - size) < 4 * math.sqrt(2 * size)


def test_colours_follow_the_partial_amplitudes(generated: GeneratedEvents) -> None:
    momenta, codes, colours = first(generated.events, 5000)
    probabilities = colour_probabilities(momenta, torch.from_numpy(codes), MASS).numpy()
    counts = np.bincount(colours, minlength=probabilities.shape[1])
    chi2, size = chi2_of_categories(counts, probabilities)
    assert abs(chi2 - size) < 4 * math.sqrt(2 * size)
    # Event by event, compare the mean probability of the colour order that was drawn.
    expected = np.square(probabilities).sum(1)
    own = probabilities[np.arange(len(colours)), colours]
    assert abs(float((own - expected).mean())) < 4 * float(own.std()) / math.sqrt(len(own))


def test_same_seed_same_events() -> None:
    one, other = generate(300, 4, seed=5), generate(300, 4, seed=5)
    for name in ("momenta", "helicities", "colour_order"):
        assert np.array_equal(getattr(one.events, name), getattr(other.events, name))
    assert one.events.cross_section == other.events.cross_section


def test_chunks_are_independent_with_one_maximum() -> None:
    chunks = [generate(300, 2, chunk=chunk) for chunk in range(3)]
    assert len({chunk.maximum for chunk in chunks}) == 1
    momenta = np.concatenate([chunk.events.momenta for chunk in chunks])
    assert len(np.unique(momenta[:, 0, 3])) == 900
    assert generate(300, 2, seed=2).maximum != chunks[0].maximum


def test_a_maximum_that_is_too_small_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hepdensity.generate.gluino.stated_maximum", lambda pilot: 0.9)
    generated = generate(300, 2)
    assert generated.overweight_fraction > 0.5 and generated.lost_fraction > 1e-3
    assert "above the stated maximum" in caplog.text


def test_progress_adds_up() -> None:
    steps: list[int] = []
    generate_unweighted(4000, 2, SQRT_S, MASS, ALPHA_S, seed=1, advance=steps.append)
    assert sum(steps) == 4000 and len(steps) > 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_events": 0}, "at least one"),
        ({"n_out": 3}, "n_out must be one of"),
        ({"alpha_s": 0.0}, "alpha_s must be positive"),
        ({"chunk": -1}, "must not be negative"),
        ({"sqrt_s": 1000.0}, "cannot be produced"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arguments_out_of_range_are_refused(changed: dict[str, float], message: str) -> None:
    arguments = {
        "n_events": 10,
        "n_out": 4,
        "sqrt_s": SQRT_S,
        "mass": MASS,
        "alpha_s": ALPHA_S,
        "seed": 1,
    }
    with pytest.raises(ValueError, match=message):
        generate_unweighted(**{**arguments, **changed})  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_events_of_a_gpu_follow_the_same_spectra(four: GeneratedEvents) -> None:
    other = generate_unweighted(60_000, 4, SQRT_S, MASS, ALPHA_S, seed=2, device="cuda")
    for row in compare_events(four.events, other.events):
        assert row.chi2_p > SMALLEST_P, row
