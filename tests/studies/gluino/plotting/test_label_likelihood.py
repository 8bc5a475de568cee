"""Figure 10 shows the means of its table and marks bounds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_marks import marks
from fake_samples import LOOKS, fake_run, model_name
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from hepdensity.files import write_table
from hepdensity.plotting.style import PERMUTATIONS
from hepdensity.studies.gluino.plotting.label_likelihood import (
    NO_TRUTH,
    label_likelihood,
    label_likelihood_figure,
)

TREATMENTS = {model: treatment for model, (_, treatment) in LOOKS.items()}
MODELS = {
    ("dequantisation-flow", "stochastic"): False,
    ("dequantisation-flow", "sort"): False,
    ("argmax-uniform", "sort"): False,
    ("mixture-likelihood", "stochastic"): True,
    ("classifier", "sort"): True,
    ("phase-space-labels", None): True,
}
"""(treatment, permutation) -> whether its density is exact."""


def table(
    with_truth: bool = True, seeds: tuple[int, ...] = (1, 2), sizes: tuple[int, ...] = (5000,)
) -> list[dict[str, Any]]:
    numbers = np.random.default_rng(1)
    rows = []
    for (treatment, permutation), exact in MODELS.items():
        for n_train in sizes:
            for seed in seeds:
                tight = float(numbers.normal(-7, 0.3))
                truth = -5.0 if exact else -5.1
                rows.append({
                    "model": model_name(treatment, permutation),
                    "family": "paper" if permutation else "ours", "permutation": permutation,
                    "n_train": n_train, "seed": seed,
                    "log_likelihood": tight - 0.5, "log_likelihood_error": 0.02,
                    "log_likelihood_tight": tight, "log_likelihood_tight_error": 0.03,
                    "exact": exact, "draws": None if exact else 16,
                    "log_likelihood_truth": truth,
                    "log_likelihood_truth_error": 0.01 if exact else 0.05,
                    "kl_to_truth": truth - tight, "kl_to_truth_error": 0.01, "not_finite": 0,
                })  # fmt: skip
    for row in rows if not with_truth else []:
        for name in ("log_likelihood_truth", "kl_to_truth"):
            row[name] = row[f"{name}_error"] = None
    return rows


def points(figure: Figure, panel: int, treatment: str, permutation: str | None) -> np.ndarray:
    """(value, lane, filled) of the markers of a model, in the order of drawing."""
    colour, marker = (
        TREATMENTS[model_name(treatment, permutation)].colour,
        PERMUTATIONS[permutation].marker,
    )
    found = [
        (line.get_xdata(), line.get_ydata(), line.get_markerfacecolor() == colour)
        for line in figure.axes[panel].get_lines()
        if line.get_marker() == marker and line.get_color() == colour
    ]
    return np.array([(np.ravel(x)[0], np.ravel(y)[0], filled) for x, y, filled in found], float)


@pytest.mark.parametrize(("treatment", "permutation"), MODELS)
def test_points_are_means(treatment: str, permutation: str | None) -> None:
    rows = table()
    figure = label_likelihood_figure(rows, TREATMENTS)
    model = model_name(treatment, permutation)
    own = [row for row in rows if row["model"] == model]
    left, right = (points(figure, panel, treatment, permutation) for panel in (0, 1))
    means = {
        name: np.mean([row[name] for row in own])
        for name in ("log_likelihood", "log_likelihood_tight", "kl_to_truth")
    }
    # Bounds are moved to the truth line of all test events.
    shift = 0 if own[0]["exact"] else 0.1
    np.testing.assert_allclose(
        left[:, [0, 2]],
        [[means["log_likelihood"] + shift, 0], [means["log_likelihood_tight"] + shift, 1]],
    )
    assert left[1, 0] == pytest.approx(-5 - means["kl_to_truth"])
    np.testing.assert_allclose(right[:, [0, 2]], [[means["kl_to_truth"], 1]])
    assert len({*left[:, 1], *right[:, 1]}) == 1


def test_every_model_has_a_lane_of_its_own() -> None:
    figure = label_likelihood_figure(table(), TREATMENTS)
    lanes = [points(figure, 0, *model)[0, 1] for model in MODELS]
    assert len(set(lanes)) == len(lanes)
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == list(dict.fromkeys(TREATMENTS[model_name(*model)].label for model in MODELS))
    assert [round(lane) for lane in lanes] == [0, 0, 1, 2, 3, 4]


def test_arrows_mark_bounds() -> None:
    rows = table()
    figure = label_likelihood_figure(rows, TREATMENTS)
    panels = ((0, "log_likelihood_tight", 0.1, 1), (1, "kl_to_truth", 0, -1))
    for panel, column, shift, sign in panels:
        arrows = [a for a in figure.axes[panel].texts if isinstance(a, Annotation)]
        values = {
            np.mean([row[column] for row in rows if row["model"] == model]) + shift
            for model in {row["model"] for row in rows if not row["exact"]}
        }
        np.testing.assert_allclose(sorted(a.xy[0] for a in arrows), sorted(values))
        assert all(np.sign(a.xyann[0]) == sign for a in arrows)


def test_truth_line_is_that_of_most_events() -> None:
    left = label_likelihood_figure(table(), TREATMENTS).axes[0]
    lines = [np.asarray(line.get_xdata(), float).tolist() for line in left.get_lines()]
    assert [-5.0, -5.0] in lines
    assert [-5.1, -5.1] not in lines


def test_without_truth_the_figure_says_so_and_moves_nothing() -> None:
    rows = table(with_truth=False, seeds=(1,))
    figure = label_likelihood_figure(rows, TREATMENTS, "quick preset, not converged")
    found = points(figure, 0, "dequantisation-flow", "stochastic")[:, 0]
    names = ("log_likelihood", "log_likelihood_tight")
    np.testing.assert_allclose(found, [rows[0][name] for name in names])
    assert len(figure.axes) == 1
    assert NO_TRUTH in [text.get_text() for text in figure.legends[0].get_texts()]
    assert figure.get_suptitle() == "quick preset, not converged"


def test_training_sizes_have_blocks() -> None:
    figure = label_likelihood_figure(table(sizes=(50000, 5000), seeds=(1,)), TREATMENTS)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["5k training events", "", "50k training events", ""]
    assert len(points(figure, 2, "classifier", "sort")) == 2


def test_values_that_are_not_known_are_left_out() -> None:
    rows = table(seeds=(1,))
    rows[0]["log_likelihood_tight"] = rows[0]["kl_to_truth"] = None
    figure = label_likelihood_figure(rows, TREATMENTS)
    assert len(points(figure, 0, "dequantisation-flow", "stochastic")) == 1
    assert len(points(figure, 1, "dequantisation-flow", "stochastic")) == 0


@pytest.mark.parametrize("seeds", [(1,), (1, 2)], ids=["one seed", "two seeds"])
def test_means_that_are_not_finite_are_marked(seeds: tuple[int, ...]) -> None:
    rows = table(seeds=seeds)
    rows[0] |= {"log_likelihood_tight": -np.inf, "kl_to_truth": np.inf, "not_finite": 2}
    rows[-1] |= {"log_likelihood": np.nan, "not_finite": 5}
    figure = label_likelihood_figure(rows, TREATMENTS)
    figure.canvas.draw()
    share = " (1/2)" if len(seeds) > 1 else ""
    colour, other = (
        TREATMENTS[name].colour for name in ("dequantisation-flow-stochastic", "phase-space-labels")
    )
    lane = points(figure, 0, "dequantisation-flow", "stochastic")[0, 1]
    assert marks(figure.axes[0], colour, "x") == [(rf"$-\infty${share}", lane, 0)]
    assert marks(figure.axes[1], colour, "x") == [(rf"$\infty${share}", lane, 1)]
    assert [text for text, *_ in marks(figure.axes[0], other, "x")] == [f"NaN{share}"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "not finite: up to 5 test events without density" in names


def test_no_rows() -> None:
    with pytest.raises(ValueError, match=r"add one to gluino\.datasets\.labels\.models"):
        label_likelihood_figure([], {})


def test_figure_of_the_rule(tmp_path: Path) -> None:
    rows = [{**row, "ended_by": "steps"} for row in table()]
    write_table(tmp_path / "t.csv", rows)
    runs = [fake_run(model_name(*model), model[1], "labels") for model in MODELS]
    files = {"table": tmp_path / "t.csv"}
    figure, written = label_likelihood(files, {"runs": runs, "preset": "quick"})
    assert written is None
    assert figure.get_suptitle() == "quick preset, not converged"
    for model in MODELS:
        np.testing.assert_allclose(
            points(figure, 1, *model),
            points(label_likelihood_figure(rows, TREATMENTS), 1, *model),
        )
