import math

import pytest
import torch

from hepdensity.generate.proposal import CAP_MARGIN, features, fit_proposal
from hepdensity.physics.phase_space import rambo

SQRT_S, MASS = 3000.0, 600.0


@pytest.mark.parametrize("n_out", [2, 4], ids=["two", "four"])
def test_a_quadratic_form_is_reproduced(n_out: int, generator: torch.Generator) -> None:
    momenta, flat = rambo(500, n_out, SQRT_S, MASS, generator)
    first = features(momenta)[:, 0]
    exact = flat * (0.3 + first - 0.2 * first.square()).exp()
    proposal = fit_proposal(momenta, flat, exact, (momenta, flat))
    torch.testing.assert_close(proposal.weights(momenta, flat), exact, rtol=1e-8, atol=0)
    assert proposal.cap == pytest.approx(CAP_MARGIN * float(exact.max()))


def test_the_cap_is_that_of_the_scan(generator: torch.Generator) -> None:
    momenta, flat = rambo(500, 4, SQRT_S, MASS, generator)
    exact = flat * features(momenta)[:, 0].exp()
    lowest = exact.argmin()[None]
    proposal = fit_proposal(momenta, flat, exact, (momenta[lowest], flat[lowest]))
    weights = proposal.weights(momenta, flat)
    assert float(weights.max()) == proposal.cap
    assert proposal.cap == pytest.approx(CAP_MARGIN * float(exact.min()))


def test_features_are_symmetric_and_dimensionless(generator: torch.Generator) -> None:
    momenta, _ = rambo(50, 4, SQRT_S, MASS, generator)
    torch.testing.assert_close(features(momenta[:, [2, 0, 3, 1]]), features(momenta))
    torch.testing.assert_close(features(momenta * 2), features(momenta))


def test_features_at_a_known_point() -> None:
    energy, pz = 1500.0, 900.0
    momenta = torch.tensor([[[energy, 0, 0, pz], [energy, 0, 0, -pz]]], dtype=torch.float64)
    expected = [[2 * math.log((energy**2 - pz**2) / 9e6), 0.5, 0.0]]
    torch.testing.assert_close(features(momenta), torch.tensor(expected, dtype=torch.float64))
