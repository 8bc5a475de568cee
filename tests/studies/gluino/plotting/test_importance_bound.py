"""Bounds versus draws: lines are means of the table, exact models are horizontal."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_marks import marks
from fake_samples import LOOKS, fake_run, model_name

from hepdensity.files import write_json, write_table
from hepdensity.studies.gluino.plotting.importance_bound import (
    importance_bound,
    importance_bound_figure,
)

DRAWS = (1, 4, 16)
TREATMENTS = {model: treatment for model, (_, treatment) in LOOKS.items()}
MODELS = {
    ("dequantisation-flow", "stochastic"): DRAWS,
    ("argmax-flow", "sort"): DRAWS,
    ("mixture-likelihood", "sort"): (None,),
    ("phase-space-labels", None): (None,),
}


def table(with_truth: bool = True, sizes: tuple[int, ...] = (5000,)) -> list[dict[str, Any]]:
    numbers = np.random.default_rng(1)
    return [
        {
            "model": model_name(treatment, permutation),
            "permutation": permutation, "n_train": n_train, "seed": seed, "draws": number,
            "log_likelihood_bound": value, "log_likelihood_bound_error": 0.02,
            "kl_to_truth": -5 - value if with_truth else None,
            "kl_to_truth_error": 0.01 if with_truth else None, "not_finite": 0,
        }
        for (treatment, permutation), draws in MODELS.items()
        for n_train in sizes
        for seed in (1, 2)
        for number in draws
        for value in [float(numbers.normal(-7, 0.3))]
    ]  # fmt: skip


def mean(rows: list[dict[str, Any]], column: str, **labels: Any) -> float:
    found = [row[column] for row in rows if all(row[key] == labels[key] for key in labels)]
    return float(np.mean(found))


def lines(axes: Any, model: str) -> list[Any]:
    colour = LOOKS[model][1].colour
    return [line for line in axes.get_lines() if line.get_color() == colour]


@pytest.mark.parametrize(("column", "row"), [("log_likelihood_bound", 0), ("kl_to_truth", 1)])
def test_lines_are_means(column: str, row: int) -> None:
    rows = table()
    axes = importance_bound_figure(rows, TREATMENTS).axes
    for treatment, permutation, facet in (
        ("dequantisation-flow", "stochastic", 0),
        ("argmax-flow", "sort", 1),
    ):
        model = model_name(treatment, permutation)
        line = lines(axes[2 * row + facet], model)[0]
        expected = [mean(rows, column, model=model, draws=number) for number in DRAWS]
        np.testing.assert_allclose(np.asarray(line.get_ydata(), float), expected)
        np.testing.assert_array_equal(np.asarray(line.get_xdata()), DRAWS)
        assert not lines(axes[2 * row + 1 - facet], model)


def test_exact_models_are_level_lines() -> None:
    rows = table()
    axes = importance_bound_figure(rows, TREATMENTS).axes
    for facet in (0, 1):
        (level,) = lines(axes[facet], "phase-space-labels")
        expected = mean(rows, "log_likelihood_bound", model="phase-space-labels")
        np.testing.assert_allclose(np.asarray(level.get_ydata(), float), expected)
    assert not lines(axes[0], "mixture-likelihood-sort")


def test_values_that_are_not_finite_are_marked() -> None:
    rows = table()
    for row in rows:
        if row["draws"] == 4 and row["permutation"] == "stochastic" and row["seed"] == 1:
            row |= {"log_likelihood_bound": -np.inf, "kl_to_truth": np.inf, "not_finite": 1}
        if row["permutation"] is None:
            row |= {"log_likelihood_bound": -np.inf, "kl_to_truth": np.inf, "not_finite": 7}
    figure = importance_bound_figure(rows, TREATMENTS)
    figure.canvas.draw()
    bound, exact = (
        TREATMENTS[model].colour
        for model in ("dequantisation-flow-stochastic", "phase-space-labels")
    )
    assert marks(figure.axes[0], bound) == [(r"$-\infty$ (1/2)", 4, 0)]
    assert marks(figure.axes[2], bound) == [(r"$\infty$ (1/2)", 4, 1)]
    assert not marks(figure.axes[1], bound)
    assert all(marks(axes, exact)[0][1] == 1 for axes in figure.axes)
    assert not lines(figure.axes[0], "phase-space-labels")[1:]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "not finite: up to 7 test events without density" in names


def test_without_truth() -> None:
    figure = importance_bound_figure(table(with_truth=False), TREATMENTS, "a note")
    assert len(figure.axes) == 2
    assert figure.get_suptitle() == "a note"


def test_sizes_have_lines_of_their_own() -> None:
    figure = importance_bound_figure(table(sizes=(5000, 50000)), TREATMENTS)
    found = [
        line
        for line in lines(figure.axes[0], "dequantisation-flow-stochastic")
        if line.get_marker()
    ]
    assert len({line.get_linestyle() for line in found if line.get_marker() == "s"}) == 2
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"5k events", "50k events"} <= set(texts)


def test_exact_models_only() -> None:
    rows = [row for row in table() if row["draws"] is None]
    assert len(importance_bound_figure(rows, TREATMENTS).axes) == 2


def test_no_rows() -> None:
    with pytest.raises(ValueError, match=r"gluino\.datasets\.labels\.models"):
        importance_bound_figure([], {})


def test_figure_of_the_rule(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", table())
    write_json(tmp_path / "training.json", {"ended_by": "steps"})
    runs = [fake_run(model_name(*model), model[1], "labels") for model in MODELS]
    files = {"table": tmp_path / "t.csv", "summaries": [tmp_path / "training.json"]}
    figure, rows = importance_bound(files, {"runs": runs, "preset": "quick"})
    assert rows is None
    assert figure.get_suptitle() == "quick preset, not converged"
    assert lines(figure.axes[1], "argmax-flow-sort")
