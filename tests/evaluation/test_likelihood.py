"""Log-likelihoods and their errors."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from hepdensity.evaluation.estimates import mean_with_error, not_finite, ratio_with_error
from hepdensity.evaluation.likelihood import Importance, log_likelihoods, passes
from hepdensity.models.base import DensityModel, symmetrised
from hepdensity.models.factorised import FactorisedDensity
from hepdensity.models.flows.discrete import dequantisation_flow
from hepdensity.models.flows.dropout import dropout_flow
from hepdensity.models.flows.flow import SplineFlow, spline_flow
from hepdensity.models.flows.mixture import mixture_flow
from hepdensity.models.layout import Column, Layout, PresenceSet

DRAWS = Importance(draws=4, events=100)
COLUMNS = (Column("x"), Column("y"))
PAIR = Layout(event=(), particle=COLUMNS, particles=2)
MIXED = Layout(
    event=(),
    particle=COLUMNS,
    particles=2,
    sets=(PresenceSet("pair", 2, 0.1), PresenceSet("single", 1, 0.9)),
)
LABELLED = Layout(
    event=(Column("kind", categories=6),),
    particle=(*COLUMNS, Column("sign", categories=2)),
    particles=2,
)


def flow(permutation: str) -> SplineFlow:
    return spline_flow(
        layout=PAIR,
        permutation=permutation,
        layers=1,
        bins=4,
        residual_blocks=1,
        units_per_dim=4,
        seed=2,
    ).double()


@pytest.fixture
def events(generator: torch.Generator) -> torch.Tensor:
    return torch.rand(6_000, 4, generator=generator, dtype=torch.float64)


def test_mean_with_error() -> None:
    estimate = mean_with_error(np.array([1.0, 2.0, 3.0, 6.0]))
    assert estimate.value == 3
    # Sample variance 14 / 3 over 4 values.
    assert estimate.error == pytest.approx(math.sqrt(14 / 3 / 4))


def test_error_of_a_ratio_on_toys() -> None:
    """The spread of the ratio over toys is its stated error."""
    random = np.random.default_rng(1)
    found = []
    for _ in range(400):
        n = random.integers(1, 30, 200)
        found.append(ratio_with_error(0.5 * n + random.normal(0, 1, 200) * n**0.5, n))
    values = np.array([one.value for one in found])
    errors = np.array([one.error for one in found])
    assert values.mean() == pytest.approx(0.5, abs=4 * errors.mean() / 20)
    assert values.std() == pytest.approx(errors.mean(), rel=0.15)


def test_an_impossible_event_makes_the_mean_infinite() -> None:
    estimate = mean_with_error(np.array([1.0, -np.inf]))
    assert estimate.value == -np.inf
    assert math.isnan(estimate.error)


def test_one_value_has_no_error() -> None:
    with pytest.raises(ValueError, match="two values"):
        mean_with_error(np.ones(1))


def test_chunks_do_not_matter(events: torch.Tensor) -> None:
    model = flow("none")
    scores = log_likelihoods(model, events, torch.Generator().manual_seed(1), DRAWS, 2)
    values = scores.arrays
    with torch.no_grad():
        expected = model.log_prob(events)
        torch.testing.assert_close(torch.from_numpy(values["log_likelihood"]), expected)
        torch.testing.assert_close(
            torch.from_numpy(values["log_likelihood_symmetrised"]),
            symmetrised(model.log_prob, events, 2),
        )
    assert np.array_equal(values["log_likelihood"], values["log_likelihood_tight"])
    assert scores.attributes.pop("ms_per_event") > 0
    assert scores.attributes == {"exact": True, **{f"not_finite_{name}": 0 for name in values}}


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
def test_exact_is_above_one_draw_where_that_is_a_bound(
    permutation: str, events: torch.Tensor
) -> None:
    generator = torch.Generator().manual_seed(1)
    values = log_likelihoods(flow(permutation), events, generator, DRAWS, 2).arrays
    assert set(values) == {"log_likelihood", "log_likelihood_tight"}
    assert values["log_likelihood"].mean() < values["log_likelihood_tight"].mean()


SMALL: dict[str, Any] = {
    "layers": 1,
    "bins": 3,
    "residual_blocks": 1,
    "units_per_dim": 2,
    "seed": 1,
}


@pytest.fixture
def labelled(generator: torch.Generator) -> torch.Tensor:
    """Events of two particles with random labels."""
    n = 1_500
    angles = torch.rand(n, 4, generator=generator, dtype=torch.float64)
    labels = [torch.randint(count, (n, 1), generator=generator) for count in (6, 2, 2)]
    return torch.cat((angles, *labels), dim=1)


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
def test_inexact_models_get_nested_bounds_of_the_first_events(
    permutation: str, labelled: torch.Tensor
) -> None:
    model = dequantisation_flow(
        layout=LABELLED, noise="uniform", permutation=permutation, **SMALL
    ).double()
    told: list[int] = []
    scores = log_likelihoods(
        model, labelled, torch.Generator().manual_seed(1), Importance(20, 1_200), None, told.append
    )
    values = scores.arrays
    counts = {f"not_finite_{name}": 0 for name in values}
    assert scores.attributes.pop("ms_per_event") > 0
    assert scores.attributes == {"exact": False, "draws": [1, 4, 16, 20], **counts}
    assert {name: array.shape for name, array in values.items()} == {
        "log_likelihood": (1_500,),
        "log_likelihood_curve": (4, 1_200),
        "log_likelihood_tight": (1_200,),
    }
    assert np.array_equal(values["log_likelihood_tight"], values["log_likelihood_curve"][-1])
    means = values["log_likelihood_curve"].mean(axis=1)
    assert means[0] < means[1:].min()
    assert sum(told) == passes(model, 1_500, Importance(20, 1_200))


def test_exact_models_of_labels_need_no_draws(labelled: torch.Tensor) -> None:
    settings = {**SMALL, "permutation": "sort", "objective": "likelihood", "embedding": 4}
    model = mixture_flow(layout=LABELLED, **settings).double()
    model.prepare(labelled)
    told: list[int] = []
    generator = torch.Generator().manual_seed(1)
    scores = log_likelihoods(model, labelled, generator, DRAWS, None, told.append)
    assert scores.attributes["exact"]
    assert set(scores.arrays) == {"log_likelihood", "log_likelihood_tight"}
    tight = torch.from_numpy(scores.arrays["log_likelihood_tight"])
    assert len(tight) == len(labelled)
    with torch.no_grad():
        curve = model.log_prob_curve(labelled, [1, 4])
    torch.testing.assert_close(curve, tight.expand(2, -1))
    assert sum(told) == passes(model, len(labelled), DRAWS)


def test_events_with_absent_particles(generator: torch.Generator) -> None:
    settings = {**SMALL, "permutation": "stochastic", "objective": "balanced"}
    model = dropout_flow(layout=MIXED, **settings).double()
    batch = torch.rand(50, 4, generator=generator, dtype=torch.float64)
    batch[10:, 2:] = torch.nan
    scores = log_likelihoods(model, batch, generator, DRAWS)
    assert set(scores.arrays) == {"log_likelihood", "log_likelihood_tight"}
    assert all(np.isfinite(values).all() for values in scores.arrays.values())
    assert scores.attributes["log_p_sets"] == pytest.approx(np.log([0.1, 0.9]))


class TwoFactors(FactorisedDensity):
    """Exponential factors of two columns; counts how often it is asked."""

    def __init__(self, exact: bool) -> None:
        super().__init__()
        self.rate = torch.nn.Parameter(torch.ones((), dtype=torch.float64))
        self.asked = 0
        self._exact = exact

    @property
    def bound(self) -> bool:
        return False

    @property
    def exact(self) -> bool:
        return self._exact

    @property
    def log_probabilities(self) -> torch.Tensor:
        return torch.zeros(1)

    def log_parts(
        self, batch: torch.Tensor, generator: torch.Generator | None = None
    ) -> dict[str, torch.Tensor]:
        self.asked += len(batch)
        return {"first": -batch[:, 0], "second": torch.log(self.rate) - batch[:, 1]}

    def log_prob(self, batch: torch.Tensor, generator: Any = None) -> torch.Tensor:
        raise AssertionError("each factor may be the solution of an ODE")

    def log_prob_tight(
        self, batch: torch.Tensor, draws: Any = None, generator: Any = None
    ) -> torch.Tensor:
        raise AssertionError("each factor may be the solution of an ODE")

    def loss(self, batch: torch.Tensor, generator: Any = None) -> torch.Tensor:
        raise NotImplementedError

    def sample(self, n: int, generator: Any = None) -> torch.Tensor:
        raise NotImplementedError

    def sample_set(self, n: int, chosen: int, generator: Any = None) -> torch.Tensor:
        raise NotImplementedError


@pytest.mark.parametrize("exact", [True, False])
def test_factors_are_evaluated_once(events: torch.Tensor, exact: bool) -> None:
    model = TwoFactors(exact)
    events = events.clone()
    events[3, 1] = torch.nan
    done: list[int] = []
    generator = torch.Generator().manual_seed(1)
    scores = log_likelihoods(model, events, generator, DRAWS, advance=done.append)
    assert model.asked == len(events) == sum(done) == passes(model, len(events), DRAWS)
    first, second = (scores.arrays[f"log_p_{name}"] for name in ("first", "second"))
    np.testing.assert_array_equal(first, -events[:, 0].numpy())
    for name in ("log_likelihood", "log_likelihood_tight"):
        np.testing.assert_array_equal(scores.arrays[name], first + second)
    assert scores.attributes["exact"] is exact
    assert scores.attributes["ms_per_event"] > 0
    assert scores.attributes["not_finite_log_p_first"] == 0
    assert scores.attributes["not_finite_log_p_second"] == 1
    assert scores.attributes["not_finite_log_likelihood"] == 1


@pytest.mark.parametrize(
    ("largest", "numbers"),
    [(1, [1]), (4, [1, 4]), (5, [1, 4, 5]), (256, [1, 4, 16, 64, 256])],
)
def test_numbers_of_draws(largest: int, numbers: list[int]) -> None:
    assert Importance(largest, 2).curve == numbers


@pytest.mark.parametrize(("draws", "events"), [(0, 10), (4, 1)])
def test_too_few_draws_or_events_are_refused(draws: int, events: int) -> None:
    with pytest.raises(ValueError, match=r"evaluation\.draws >= 1 and evaluation\.events >= 2"):
        Importance(draws, events)


class Edge(DensityModel):
    """Density 4 (1 - x) (1 - y) on the unit square, known only with noise; it is 0 at the edge."""

    bound = True

    def __init__(self, exact: bool) -> None:
        super().__init__()
        self.is_exact = exact
        self.factor = torch.nn.Parameter(torch.tensor(4.0))

    @property
    def exact(self) -> bool:
        return self.is_exact

    def loss(self, batch: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        raise NotImplementedError

    def log_prob(
        self, batch: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        noise = torch.rand(len(batch), generator=generator, dtype=batch.dtype)
        return self.log_prob_tight(batch) - noise

    def log_prob_tight(
        self,
        batch: torch.Tensor,
        draws: int | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        return self.factor.log() + (1 - batch).log().sum(dim=1)

    def log_prob_curve(
        self, batch: torch.Tensor, draws: Sequence[int], generator: torch.Generator | None = None
    ) -> torch.Tensor:
        return torch.stack([self.log_prob(batch, generator) / number for number in draws])

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        raise NotImplementedError


NEAR, AT = 3, 1_700
"""Events close to the edge, which single precision rounds onto it, and events at the edge."""


@pytest.fixture
def edged(events: torch.Tensor) -> torch.Tensor:
    batch = 0.9 * events[:2_000, :2]
    batch[NEAR, 0] = 1 - 1e-9
    batch[AT, 1] = 1
    return batch


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "bound"])
def test_what_single_precision_makes_impossible_is_scored_again(
    exact: bool, edged: torch.Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    def scores(batch: torch.Tensor) -> Any:
        generator = torch.Generator().manual_seed(1)
        return log_likelihoods(Edge(exact), batch, generator, Importance(4, 1_000))

    found = scores(edged)
    harmless = edged.clone()
    harmless[[NEAR, AT]] = 0.5
    without = scores(harmless.float())
    assert set(found.arrays) == set(without.arrays)
    for name, values in found.arrays.items():
        others = [i for i in range(values.shape[-1]) if i not in (NEAR, AT)]
        assert np.array_equal(values[..., others], without.arrays[name][..., others]), name
        assert np.isfinite(values[..., NEAR]).all()
    if exact:
        expected = math.log(4e-9) + math.log1p(-float(edged[NEAR, 1]))
        assert found.arrays["log_likelihood_tight"][NEAR] == pytest.approx(expected, rel=1e-7)
    counts = {k: v for k, v in found.attributes.items() if k.startswith("not_finite")}
    expected_counts = {"log_likelihood": 1, "log_likelihood_tight": int(exact)}
    expected_counts |= {} if exact else {"log_likelihood_curve": 0}
    assert counts == {f"not_finite_{name}": count for name, count in expected_counts.items()}
    assert found.arrays["log_likelihood"][AT] == -np.inf
    warned = [entry.message for entry in caplog.records if entry.levelno == logging.WARNING]
    assert warned[0] == "log_likelihood: 1 of 2000 events have no finite value"
    assert len(warned) == 1 + exact


def test_count_of_events_that_are_not_finite() -> None:
    curve = np.array([[0.0, -np.inf, 1.0, 2.0], [0.0, 0.0, np.nan, 2.0]])
    assert not_finite(curve) == 2
    assert not_finite(curve[0], np.array([np.inf, 0, 0, 0])) == 2
    assert not_finite(curve[0]) == 1
    assert not_finite(np.zeros(3)) == 0
