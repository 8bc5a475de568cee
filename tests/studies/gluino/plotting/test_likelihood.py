"""Figure 5 shows the means and spreads of its table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_marks import marks
from fake_samples import LOOKS, fake_run
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from hepdensity.files import write_table
from hepdensity.studies.gluino.plotting.likelihood import (
    NO_TRUTH,
    log_likelihood,
    log_likelihood_figure,
    look_of,
    spread_over_seeds,
)

SHOWN = {model: look for model, (look, _) in LOOKS.items()}
MODELS = ("none", "stochastic", "sort", "none-symmetrised")


def table(with_truth: bool = True, seeds: tuple[int, ...] = (1, 2, 3)) -> list[dict[str, Any]]:
    numbers = np.random.default_rng(1)
    rows = []
    for model in MODELS:
        for n_train in (5000, 50000):
            for seed in seeds:
                exact = float(numbers.normal(1.5, 0.1))
                rows.append({
                    "model": model, "n_train": n_train, "seed": seed,
                    "log_likelihood": None if model == "none-symmetrised" else exact - 0.2,
                    "log_likelihood_error": None if model == "none-symmetrised" else 0.01,
                    "log_likelihood_exact": exact, "log_likelihood_exact_error": 0.02,
                    "log_likelihood_truth": 2.91 if with_truth else None,
                    "log_likelihood_truth_error": 0.02 if with_truth else None,
                    "kl_to_truth": 2.91 - exact if with_truth else None,
                    "kl_to_truth_error": 0.005 if with_truth else None, "not_finite": 0,
                    "exact": True, "draws": None,
                })  # fmt: skip
    return rows


def test_spread_over_several_seeds() -> None:
    rows = [row for row in table() if row["model"] == "sort" and row["n_train"] == 5000]
    values = [row["log_likelihood_exact"] for row in rows]
    found = spread_over_seeds(rows, "log_likelihood_exact")
    assert found is not None
    assert found.mean == pytest.approx(sum(values) / 3)
    assert found.spread == pytest.approx(np.std(values, ddof=1))
    assert found.seeds == 3


def test_a_single_seed_has_its_standard_error() -> None:
    found = spread_over_seeds(table(seeds=(1,))[:1], "log_likelihood_exact")
    assert found is not None and (found.spread, found.seeds) == (0.02, 1)


def test_the_mean_is_that_of_finite_values() -> None:
    rows = table()[:3]
    rows[0]["log_likelihood"] = None
    rows[1]["log_likelihood"] = float("-inf")
    found = spread_over_seeds(rows, "log_likelihood")
    assert found is not None and (found.mean, found.seeds) == (rows[2]["log_likelihood"], 1)
    assert spread_over_seeds(rows[:2], "log_likelihood") is None


def test_bounds_have_arrows_and_stand_at_their_distance_from_the_truth_line() -> None:
    rows = table(seeds=(1,))
    bound = next(row for row in rows if row["model"] == "sort" and row["n_train"] == 5000)
    # For its own events, the truth is 0.3 nats lower and has a larger error.
    bound |= {"exact": False, "draws": 16}
    bound |= {"log_likelihood_truth": 2.61, "log_likelihood_truth_error": 0.2}
    figure = log_likelihood_figure(rows, SHOWN)
    arrows = [
        [text for text in axes.texts if isinstance(text, Annotation) and text.arrow_patch]
        for axes in figure.axes
    ]
    assert [len(found) for found in arrows] == [1, 1]
    assert arrows[0][0].xy[1] == pytest.approx(bound["log_likelihood_exact"] + 0.3)
    assert arrows[1][0].xy[1] == pytest.approx(bound["kl_to_truth"])
    assert arrows[0][0].xyann[1] > 0 > arrows[1][0].xyann[1]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "lower bound (of KL: upper bound)" in names


def drawn_points(figure: Figure, panel: int, model: str, filled: bool) -> np.ndarray:
    """Vertical positions of a model's points."""
    look = look_of(model, SHOWN)
    face = look.colour if filled else "white"
    lines = [
        line
        for line in figure.axes[panel].get_lines()
        if line.get_marker() == look.marker and line.get_markerfacecolor() == face
    ]
    return np.array([height for line in lines for height in np.asarray(line.get_ydata())], float)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("column", "panel", "filled"),
    [("log_likelihood", 0, False), ("log_likelihood_exact", 0, True), ("kl_to_truth", 1, True)],
    ids=["one draw", "exact", "distance"],
)
def test_points_are_means(model: str, column: str, panel: int, filled: bool) -> None:
    rows = table()
    expected = [
        np.mean([row[column] for row in rows if (row["model"], row["n_train"]) == (model, n_train)])
        for n_train in (5000, 50000)
        if not (model == "none-symmetrised" and column == "log_likelihood")
    ]
    found = drawn_points(log_likelihood_figure(rows, SHOWN), panel, model, filled)
    np.testing.assert_allclose(found, expected)


def test_truth_line() -> None:
    upper = log_likelihood_figure(table(), SHOWN).axes[0]
    heights = [np.asarray(line.get_ydata()).tolist() for line in upper.get_lines()]
    assert [2.91, 2.91] in heights


def test_without_truth_the_figure_says_why() -> None:
    figure = log_likelihood_figure(table(with_truth=False), SHOWN, "long preset, not converged")
    assert len(figure.axes) == 1
    assert [text.get_text() for text in figure.axes[0].texts] == [NO_TRUTH]
    assert figure.get_suptitle() == "long preset, not converged"


def with_infinite(rows: list[dict[str, Any]], wanted: int, events: int = 3) -> None:
    """Give some events zero density in the first trainings of the sort model."""
    own = [row for row in rows if (row["model"], row["n_train"]) == ("sort", 5000)]
    for row in own[:wanted]:
        row["log_likelihood"] = row["log_likelihood_exact"] = float("-inf")
        row["not_finite"] = events
        if row["kl_to_truth"] is not None:
            row["kl_to_truth"], row["kl_to_truth_error"] = float("inf"), float("nan")


@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)], ids=["one seed", "three seeds"])
def test_means_that_are_not_finite_are_marked(seeds: tuple[int, ...]) -> None:
    rows = table(seeds=seeds)
    with_infinite(rows, 1)
    figure = log_likelihood_figure(rows, SHOWN)
    figure.canvas.draw()
    share = " (1/3)" if len(seeds) > 1 else ""
    upper, lower = (marks(axes, SHOWN["sort"].colour) for axes in figure.axes)
    assert {(text, edge) for text, _, edge in upper} == {(rf"$-\infty${share}", 0)}
    assert [(text, edge) for text, _, edge in lower] == [(rf"$\infty${share}", 1)]
    assert all(4500 < place < 5500 for _, place, _ in (*upper, *lower))
    # Finite values are still drawn.
    assert len(drawn_points(figure, 0, "sort", True)) == (2 if len(seeds) > 1 else 1)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "not finite: 3 test events without density" in names
    assert not marks(figure.axes[0], SHOWN["none"].colour)


def test_nothing_but_infinities() -> None:
    rows = [row for row in table(seeds=(1,)) if row["model"] == "sort" and row["n_train"] == 5000]
    with_infinite(rows, 1, events=1)
    figure = log_likelihood_figure(rows, SHOWN)
    figure.canvas.draw()
    assert len(marks(figure.axes[0], SHOWN["sort"].colour)) == 2
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "not finite: 1 test event without density" in names


def test_without_infinities_there_is_no_mark() -> None:
    figure = log_likelihood_figure(table(), SHOWN)
    assert not any(
        marks(axes, look_of(name, SHOWN).colour) for axes in figure.axes for name in MODELS
    )
    assert not any("not finite" in text.get_text() for text in figure.legends[0].get_texts())


def test_symmetrised_models_have_a_look_of_their_own() -> None:
    looks = [look_of(model, SHOWN) for model in MODELS]
    assert looks[-1].label == "no permutation, symmetrised"
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == 4


def test_figure_of_the_rule(tmp_path: Path) -> None:
    rows = [{**row, "ended_by": "steps"} for row in table()]
    write_table(tmp_path / "t.csv", rows)
    runs = [fake_run(model, model, "angles") for model in MODELS[:3]]
    figure, written = log_likelihood({"table": tmp_path / "t.csv"}, {"runs": runs, "preset": "x"})
    assert written is None
    assert figure.get_suptitle() == "x preset, not converged"
    found = drawn_points(figure, 0, "sort", filled=True)
    expected = drawn_points(log_likelihood_figure(rows, SHOWN), 0, "sort", filled=True)
    np.testing.assert_allclose(found, expected)
