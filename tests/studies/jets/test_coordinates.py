"""Coordinates of jets: inverses, log-Jacobians against autograd, and densities that stay whole."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from made_up_jets import random_jets
from torch import Tensor

from hepdensity.physics.constituents import JetForm, JetWindow
from hepdensity.studies.jets.coordinates import (
    CONSTITUENT_COORDINATES,
    JET_COORDINATES,
    LEAST_MASS,
    LEAST_Z,
    MASS_LOW,
    MEASURES,
    MOST_Z,
    Z_HIGH,
    Z_LOW,
    Coordinates,
    change_of_measure,
)

CHOICES = [
    pytest.param(Coordinates(jet, constituents), id=f"{jet}-{constituents}")
    for jet in JET_COORDINATES
    for constituents in CONSTITUENT_COORDINATES
]


def some_jets(n: int = 12, most: int = 8) -> tuple[Tensor, Tensor]:
    """Jets inside the window with constituents inside the range of z."""
    jets = random_jets(4 * n, seed=3, form=JetForm(most))
    chosen = JetWindow().contains(jets.jet) & (jets.jet[:, 4] > 1)
    rows = torch.from_numpy(jets.constituents[chosen][:n].astype(np.float64))
    jet = torch.from_numpy(jets.jet[chosen][:n][:, [0, 1, 3]])
    z = (rows[..., 2] / jet[:, None, 0]).clamp(0.001, 0.9)
    rows[..., 2] = z * jet[:, None, 0]
    assert len(jet) == n
    return jet, rows


@pytest.mark.parametrize("coordinates", CHOICES)
def test_round_trip(coordinates: Coordinates) -> None:
    jet, rows = some_jets()
    counts: Counter[str] = Counter()
    again = coordinates.inverse(*coordinates.of(jet, rows, counts))
    assert counts.total() == 0
    torch.testing.assert_close(again[0], jet, rtol=1e-10, atol=0)
    torch.testing.assert_close(again[1], rows, rtol=1e-10, atol=0, equal_nan=True)


@pytest.mark.parametrize("coordinates", CHOICES)
def test_log_jacobians_against_autograd(coordinates: Coordinates) -> None:
    jet, rows = some_jets()
    of_jet, of_rows = coordinates.log_jacobians(jet, rows)
    for i in range(len(jet)):
        n = int((~rows[i, :, 2].isnan()).sum())

        def forward(flat: Tensor, n: int = n) -> Tensor:
            x, y = coordinates.of(flat[None, :3], flat[3:].view(1, n, 3))
            return torch.cat([x[0], y[0].flatten()])

        flat = torch.cat([jet[i], rows[i, :n].flatten()])
        jacobian = torch.autograd.functional.jacobian(forward, flat)
        # Constituents depend on their jet, but the jet does not depend on them.
        assert float(torch.linalg.slogdet(jacobian[:3, :3])[1]) == pytest.approx(
            float(of_jet[i]), abs=1e-9
        )
        assert float(torch.linalg.slogdet(jacobian)[1]) == pytest.approx(
            float(of_jet[i] + of_rows[i]), abs=1e-9
        )


@pytest.mark.parametrize("name", CONSTITUENT_COORDINATES)
def test_a_density_stays_whole_in_every_measure(name: str) -> None:
    """A density of pT alone, told per unit of another coordinate, integrates to 1 over it."""
    coordinates = Coordinates("linear", name)
    pt_jet, n = 600.0, 400_001
    low, high = (coordinates_of_z(coordinates, z, pt_jet) for z in (2e-5, 1 - 2e-4))
    grid = torch.linspace(min(low, high), max(low, high), n, dtype=torch.float64)
    jet = torch.tensor([[pt_jet, 0.0, 50.0]], dtype=torch.float64).expand(n, 3)
    at = torch.stack([torch.zeros(n), torch.zeros(n), grid], dim=1)[:, None].double()
    _, rows = coordinates.inverse(jet, at)
    z = rows[:, 0, 2] / pt_jet
    log_p = torch.log(6 * z * (1 - z)) - np.log(pt_jet)  # Beta(2, 2) in z, per GeV
    _, term = change_of_measure(jet, rows, MEASURES["physical"], coordinates)
    total = torch.trapezoid(torch.exp(log_p + term), grid)
    assert float(total) == pytest.approx(1.0, abs=1e-5)


def coordinates_of_z(coordinates: Coordinates, z: float, pt_jet: float) -> float:
    jet = torch.tensor([[pt_jet, 0.0, 50.0]], dtype=torch.float64)
    one = torch.tensor([[[0.0, 0.0, z * pt_jet]]], dtype=torch.float64)
    return float(coordinates.of(jet, one)[1][0, 0, 2])


def test_measures_by_hand() -> None:
    jet = torch.tensor([[600.0, 1.0, 100.0]], dtype=torch.float64)
    rows = torch.tensor([[[0.1, 0.2, 450.0], [0.1, 0.2, 60.0], [torch.nan] * 3]])
    rows = rows.double()
    x, y = MEASURES["logit"].of(jet, rows)
    assert x[0].tolist() == pytest.approx([0.0, np.log(3.0), np.log(100.0)])
    assert y[0, :2, 2].tolist() == pytest.approx([np.log(3.0), np.log(1 / 9)])
    assert y[0, 2].isnan().all()
    _, y = MEASURES["paper"].of(jet, rows)
    assert y[0, :2].tolist() == [
        pytest.approx([0.1, 0.2, np.log(0.25)]),
        pytest.approx([0.1, 0.2, np.log(0.9)]),
    ]
    of_jet, of_rows = change_of_measure(jet, rows, MEASURES["logit"], MEASURES["physical"])
    expected = -np.log(100 * 0.25) - np.log(4 * 0.1875) - np.log(100)
    assert float(of_jet) == pytest.approx(expected)
    expected = -np.log(600 * 0.75 * 0.25) - np.log(600 * 0.1 * 0.9)
    assert float(of_rows) == pytest.approx(expected)


def test_changes_of_measure_add_up() -> None:
    jet, rows = some_jets()
    steps = ("logit", "paper", "physical", "logit")
    terms = [change_of_measure(jet, rows, MEASURES[a], MEASURES[b]) for a, b in pairwise(steps)]
    for part in range(2):
        total = sum(term[part] for term in terms)
        torch.testing.assert_close(total, torch.zeros(len(jet), dtype=torch.float64))


def test_values_outside_their_ranges_are_set_to_the_edges_and_counted() -> None:
    jet = torch.tensor([[600.0, 0.0, 0.0], [600.0, 0.0, 50.0]], dtype=torch.float64)
    nan = torch.nan
    rows = torch.tensor(
        [
            [[0.0, 0.0, 600.0], [nan, nan, nan]],
            [[0.0, 0.0, 630.0], [0.1, 0.0, 0.001]],
        ],
        dtype=torch.float64,
    )
    counts: Counter[str] = Counter()
    coordinates = Coordinates()
    x, y = coordinates.of(jet, rows, counts)
    assert counts == {Z_HIGH: 2, Z_LOW: 1, MASS_LOW: 1}
    again = coordinates.inverse(x, y)
    assert again[0][0, 2] == pytest.approx(LEAST_MASS)
    z = again[1][..., 2] / 600
    assert z[[0, 1, 1], [0, 0, 1]].tolist() == pytest.approx([MOST_Z, MOST_Z, LEAST_Z])
    assert z[0, 1].isnan()
    for term in coordinates.log_jacobians(jet, rows):
        assert term.isfinite().all()
    assert coordinates.of(jet, rows)[0].isfinite().all()


def test_jets_outside_the_window() -> None:
    jet = torch.tensor([[549.0, 0.0, 9.0], [600.0, 2.1, 9.0], [600.0, 0.0, 9.0]]).double()
    rows = torch.ones(3, 1, 3).double()
    with pytest.raises(ValueError, match="2 of 3 jets are outside the window of 550 to 650 GeV"):
        Coordinates().of(jet, rows)
    torch.testing.assert_close(MEASURES["paper"].of(jet, rows)[0], jet)


def test_unknown_coordinates() -> None:
    with pytest.raises(ValueError, match="no coordinates 'sine'; use linear, logit"):
        Coordinates(jet="sine")
    with pytest.raises(ValueError, match="no coordinates 'linear'; use physical, logit, log, log_"):
        Coordinates(constituents="linear")
