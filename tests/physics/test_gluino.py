import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hepdensity.generate.gluino import generate_unweighted
from hepdensity.physics.colour import colour_orders
from hepdensity.physics.colour_order import lehmer_code
from hepdensity.physics.currents import half_ladder_amplitudes
from hepdensity.physics.gluino import (
    CHUNK,
    Normalisation,
    TrueDensity,
    colour_probabilities,
    compute_normalisation,
    external_states,
    helicity_configurations,
    squared_amplitudes,
)
from hepdensity.physics.phase_space import log_flat_density, momenta_to_angles, rambo
from hepdensity.studies.gluino.evaluation.comparison import compare_spectra

SQRT_S, MASS, ALPHA_S = 3000.0, 607.7137, 0.118
PROCESSES = pytest.mark.parametrize("n_out", [2, 4], ids=["two", "four"])

Reference = dict[str, np.ndarray]


@pytest.fixture(params=[2, 4], ids=["two", "four"])
def reference(request: pytest.FixtureRequest, shared_data: Path) -> Reference:
    """Squared matrix elements computed by MadGraph."""
    with np.load(shared_data / "madgraph" / f"me_reference_{request.param}.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def normalisation() -> Normalisation:
    return compute_normalisation(SQRT_S, MASS, points=40_000, seed=1)


def gluinos(reference: Reference) -> Tensor:
    return torch.from_numpy(reference["p"][:, 2:])


def test_helicity_codes() -> None:
    configurations = helicity_configurations(4)
    bits = (configurations > 0).long() @ torch.tensor([32, 16, 8, 4, 2, 1])
    assert bits.tolist() == list(range(64))
    assert set(configurations.flatten().tolist()) == {-1, 1}


def test_squared_amplitudes_agree_with_madgraph(reference: Reference) -> None:
    squares = squared_amplitudes(
        gluinos(reference), float(reference["mass"]), float(reference["alpha_s"])
    ).numpy()
    n_out = reference["p"].shape[1] - 2
    assert (reference["helicities"] == helicity_configurations(n_out).numpy()).all()
    np.testing.assert_allclose(squares.sum(1), reference["me2"], rtol=1e-10)
    largest = reference["me2_hel"].max(1, keepdims=True)
    np.testing.assert_allclose(
        squares / largest, reference["me2_hel"] / largest, rtol=0, atol=1e-10
    )


def test_colour_probabilities_agree_with_madgraph(reference: Reference) -> None:
    flows = reference["jamp2"]
    total = flows.sum(2)
    point, helicity = np.nonzero(total > 1e-8 * total.max(1, keepdims=True))
    probabilities = colour_probabilities(
        gluinos(reference)[point], torch.from_numpy(helicity), float(reference["mass"])
    )
    n_out = reference["p"].shape[1] - 2
    assert (reference["colour_order"] - 1 == colour_orders(n_out).numpy()).all()
    expected = flows[point, helicity] / total[point, helicity][:, None]
    np.testing.assert_allclose(probabilities.numpy(), expected, rtol=0, atol=1e-9)


@PROCESSES
def test_parity(n_out: int, generator: torch.Generator) -> None:
    """The half of the helicities that is normally copied by parity, computed explicitly."""
    momenta, _ = rambo(5, n_out, SQRT_S, MASS, generator)
    squares = half_ladder_amplitudes(external_states(momenta, MASS)).abs().square()
    largest = squares.amax((0, 1))
    torch.testing.assert_close(squares / largest, squares.flip(1) / largest, rtol=0, atol=1e-12)


@pytest.mark.parametrize("leg", [0, 1])
@PROCESSES
def test_longitudinal_gluons_decouple(n_out: int, leg: int, generator: torch.Generator) -> None:
    momenta, _ = rambo(50, n_out, SQRT_S, MASS, generator)
    states = external_states(momenta, MASS)
    longitudinal = states.gluon_momenta[:, leg, None] / (SQRT_S / 2)
    gluons = [longitudinal if k == leg else states.gluons[k] for k in (0, 1)]
    changed = half_ladder_amplitudes(replace(states, gluons=(gluons[0], gluons[1])))
    typical = half_ladder_amplitudes(states).abs().square().mean((0, 1)).sqrt()
    assert float((changed.abs() / typical).max()) < 1e-12


def test_two_gluinos_against_the_textbook(generator: torch.Generator) -> None:
    """Beenakker, Hopker, Spira, Zerwas, Nucl. Phys. B 492 (1997) 51, hep-ph/9610490."""
    momenta, _ = rambo(20, 2, SQRT_S, MASS, generator)
    s, m2 = SQRT_S**2, MASS**2
    t1 = -SQRT_S * (momenta[:, 0, 0] - momenta[:, 0, 3])
    u1 = -SQRT_S * (momenta[:, 0, 0] + momenta[:, 0, 3])
    bracket = s**2 / (t1 * u1) - 2 + 4 * m2 * s / (t1 * u1) * (1 - m2 * s / (t1 * u1))
    summed = 8 * (4 * math.pi * ALPHA_S) ** 2 * 9 * 8 * (1 - t1 * u1 / s**2) * bracket
    expected = summed / (4 * 64) / 2
    computed = squared_amplitudes(momenta, MASS, ALPHA_S).sum(1)
    torch.testing.assert_close(computed, expected, rtol=1e-12, atol=0)


def test_gluinos_are_interchangeable(generator: torch.Generator) -> None:
    momenta, _ = rambo(5, 4, SQRT_S, MASS, generator)
    order = [3, 0, 2, 1]
    configurations = helicity_configurations(4)
    moved = torch.cat((configurations[:, :2], configurations[:, 2:][:, order]), dim=1)
    rows = (moved > 0).long() @ torch.tensor([32, 16, 8, 4, 2, 1])
    before = squared_amplitudes(momenta, MASS, ALPHA_S)
    after = squared_amplitudes(momenta[:, order], MASS, ALPHA_S)
    torch.testing.assert_close(after[:, rows], before, rtol=1e-9, atol=1e-12 * float(before.max()))


@PROCESSES
def test_results_do_not_depend_on_the_batch(n_out: int, generator: torch.Generator) -> None:
    momenta, _ = rambo(400, n_out, SQRT_S, MASS, generator)
    together = squared_amplitudes(momenta, MASS, ALPHA_S)
    torch.testing.assert_close(together[390:], squared_amplitudes(momenta[390:], MASS, ALPHA_S))
    assert squared_amplitudes(momenta[:0], MASS, ALPHA_S).shape == (0, 2 ** (2 + n_out))


@PROCESSES
def test_the_device_follows_the_momenta(n_out: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The meta device has no data, but like a GPU it does not mix with other devices."""
    monkeypatch.setitem(CHUNK, "meta", 64)
    momenta = torch.empty(100, n_out, 4, dtype=torch.float64, device="meta")
    helicities = torch.zeros(100, dtype=torch.long, device="meta")
    assert squared_amplitudes(momenta, MASS, ALPHA_S).device.type == "meta"
    assert colour_probabilities(momenta, helicities, MASS).device.type == "meta"


@PROCESSES
def test_colour_probabilities_are_symmetric_under_reversal(
    n_out: int, generator: torch.Generator
) -> None:
    momenta, _ = rambo(30, n_out, SQRT_S, MASS, generator)
    index = torch.full((30,), 2 ** (1 + n_out) + 2 ** (n_out - 1))
    probabilities = colour_probabilities(momenta, index, MASS)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(30, dtype=torch.float64))
    orders = colour_orders(n_out)
    reverse = torch.cat((orders[:, :1], orders[:, 1:].flip(1)), dim=1)
    rows = torch.from_numpy(lehmer_code(reverse.numpy()))
    torch.testing.assert_close(probabilities[:, rows], probabilities)


@pytest.mark.parametrize("shape", [(3, 4), (3, 3, 4), (3, 4, 3)], ids=str)
def test_momenta_of_a_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    momenta = torch.ones(shape, dtype=torch.float64)
    with pytest.raises(ValueError, match="gluino momenta must have shape"):
        squared_amplitudes(momenta, MASS, ALPHA_S)
    with pytest.raises(ValueError, match="gluino momenta must have shape"):
        colour_probabilities(momenta, torch.zeros(3, dtype=torch.long), MASS)


# Values of MadGraph at fixed coupling, with their errors [pb]; see shared/data/README.md.
@pytest.mark.parametrize(
    ("n_out", "expected", "error"), [(2, 9.21, 0.12), (4, 6.10e-4, 0.06e-4)], ids=["two", "four"]
)
def test_cross_sections(n_out: int, expected: float, error: float) -> None:
    points = 20_000
    value, own_error = compute_normalisation(
        SQRT_S, MASS, points=points, seed=3, n_out=n_out
    ).cross_section(ALPHA_S)
    assert abs(value - expected) < 3 * math.hypot(error, own_error)
    assert own_error < 0.01 * value


@pytest.mark.parametrize("n_out", [4, 2], ids=["four", "two"])
def test_true_density_is_normalised(
    n_out: int, normalisation: Normalisation, generator: torch.Generator
) -> None:
    if n_out == 2:
        normalisation = compute_normalisation(SQRT_S, MASS, 40_000, seed=1, n_out=2)
    momenta, _ = rambo(20_000, n_out, SQRT_S, MASS, generator)
    angles = momenta_to_angles(momenta)
    density = TrueDensity(SQRT_S, MASS, normalisation)
    ratio = (density.log_prob(angles) - log_flat_density(angles)).exp()
    error = math.hypot(float(ratio.std()) / math.sqrt(len(ratio)), normalisation.error)
    assert abs(float(ratio.mean()) - 1) < 4 * error
    assert error < 0.01


def test_samples_of_the_true_density_follow_the_events(
    normalisation: Normalisation, generator: torch.Generator
) -> None:
    """Compare flat angles weighted with p_true / p_flat with the spectra of embedded events."""
    events = generate_unweighted(20_000, 4, SQRT_S, MASS, ALPHA_S, seed=8).events
    momenta, _ = rambo(20_000, 4, SQRT_S, MASS, generator)
    angles = momenta_to_angles(momenta)
    density = TrueDensity(SQRT_S, MASS, normalisation)
    weights = (density.log_prob(angles) - log_flat_density(angles)).exp().numpy()
    ones = np.ones(len(events))
    embedded = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()
    spectra = {"energy": (momenta[:, 0, 0].numpy(), events.momenta[:, 0, 0])}
    for name, column in (("theta", 0), ("phi", 1), ("fourth theta", 6)):
        spectra[name] = (angles[:, column].numpy(), embedded[:, column])
    for name, (flat, drawn) in spectra.items():
        result = compare_spectra(name, flat, weights, drawn, ones)
        assert result.ks_p is not None and min(result.chi2_p, result.ks_p) > 1e-4, result
    # Without the weights they do not agree.
    flat, drawn = spectra["energy"]
    plain = compare_spectra("energy", flat, ones, drawn, ones)
    assert plain.chi2_p < 1e-10


def test_true_density_vanishes_at_unphysical_points(normalisation: Normalisation) -> None:
    rows = [
        [0.3, 0.2] * 4,
        [math.nan] * 8,
        [1.5] + [0.4] * 7,
        [0.6, 0.1, 0.7, 0.2, 0.8, 0.3, 0.9, 0.4],
    ]
    density = TrueDensity(SQRT_S, MASS, normalisation)
    assert (density.log_prob(torch.tensor(rows, dtype=torch.float64)) == -math.inf).all()
    assert density.log_prob(torch.zeros(0, 8)).shape == (0,)


def test_true_density_is_symmetric(
    normalisation: Normalisation, generator: torch.Generator
) -> None:
    angles = momenta_to_angles(rambo(50, 4, SQRT_S, MASS, generator)[0])
    density = TrueDensity(SQRT_S, MASS, normalisation)
    moved = angles.reshape(-1, 4, 2)[:, [1, 3, 0, 2]].flatten(1)
    turned = angles.clone()
    turned[:, 1::2] = (turned[:, 1::2] + 0.3).remainder(1)
    for other in (moved, turned):
        torch.testing.assert_close(
            density.log_prob(other), density.log_prob(angles), rtol=1e-7, atol=1e-7
        )


def test_true_density_refuses_what_does_not_fit(normalisation: Normalisation) -> None:
    with pytest.raises(ValueError, match="normalisation is for"):
        TrueDensity(SQRT_S, 500.0, normalisation)
    density = TrueDensity(SQRT_S, MASS, normalisation)
    with pytest.raises(ValueError, match="do not belong to 4 gluinos"):
        density.log_prob(torch.zeros(1, 2))


def test_normalisation_survives_json(normalisation: Normalisation) -> None:
    fields = {**normalisation.to_dict(), "provenance": {}}
    assert Normalisation.from_dict(fields) == normalisation
    del fields["value"]
    with pytest.raises(ValueError, match="lacks value"):
        Normalisation.from_dict(fields)


def test_normalisation_does_not_depend_on_its_seed(normalisation: Normalisation) -> None:
    other = compute_normalisation(SQRT_S, MASS, points=10_000, seed=2)
    error = math.hypot(normalisation.error, other.error)
    assert abs(math.log(other.value / normalisation.value)) < 4 * error
    with pytest.raises(ValueError, match="at least two points"):
        compute_normalisation(SQRT_S, MASS, points=1)
