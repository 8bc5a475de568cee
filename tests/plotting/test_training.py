"""Training curves: the table contains the histories, thinned if they are long."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hepdensity.files import write_json, write_table
from hepdensity.plotting.training import (
    ENDINGS,
    MAX_COLUMNS,
    MAX_POINTS,
    TrainingCurve,
    training_curves,
    training_figure,
)


def curve(model: str = "none", points: int = 40, ended_by: str = "steps") -> TrainingCurve:
    history: list[dict[str, Any]] = [
        {
            "step": 25 * (i + 1),
            "learning_rate": 1e-3 / 2 ** (4 * i // points),
            "training_loss": None if i == 0 else -1.5 * i / points,
            "validation_loss": -1.4 * i / points,
            "seconds": 0.1 * i,
        }
        for i in range(points)
    ]
    return TrainingCurve(model, 5000, 1, history, ended_by, f"model {model}")


def test_table_is_the_history() -> None:
    one = curve()
    _, rows = training_figure([one])
    labels = {"model": "none", "n_train": 5000, "seed": 1, "ended_by": "steps"}
    assert rows == [{**labels, **row} for row in one.history]


@pytest.mark.parametrize("points", [1, MAX_POINTS, MAX_POINTS + 1, 12 * MAX_POINTS + 7])
def test_thinning(points: int) -> None:
    one = curve(points=points)
    steps = [row["step"] for row in one.thinned()]
    assert len(steps) <= MAX_POINTS
    assert len(steps) > min(points, MAX_POINTS) / 2 - 1
    assert steps[-1] == 25 * points
    assert len(set(np.diff(steps))) <= 1


def test_curves_are_read_from_the_files_of_the_rule(tmp_path: Path) -> None:
    one = curve(ended_by="seconds")
    write_table(tmp_path / "history.csv", one.history)
    write_json(tmp_path / "training.json", {"ended_by": one.ended_by})
    look = {"label": "a look", "colour": "#000000", "marker": "o"}
    run = {"model": "none", "n_train": 5000, "seed": 1, "look": look}
    files = {"histories": [tmp_path / "history.csv"], "summaries": [tmp_path / "training.json"]}
    figure, rows = training_curves(files, {"runs": [run], "preset": "quick"})
    assert rows == training_figure([one])[1]
    assert figure.axes[0].get_title(loc="left") == "a look"
    assert figure.get_suptitle() == "quick preset, not converged"


def test_panels_and_endings() -> None:
    curves = [curve(model, ended_by=end) for model, end in zip("abcde", ENDINGS, strict=True)]
    figure, _ = training_figure(curves, "quick preset, not converged")
    legends = [axes.get_legend() for axes in figure.axes]
    names = {text.get_text() for legend in legends if legend for text in legend.get_texts()}
    assert {f"ended by {name}" for _, name in ENDINGS.values()} <= names
    assert figure.get_suptitle() == "quick preset, not converged"


def test_a_learning_rate_of_zero_has_no_place() -> None:
    one = curve(ended_by="schedule")
    one.history[-1]["learning_rate"] = 0.0  # type: ignore[index]
    lower = training_figure([one])[0].axes[1]
    rates = np.concatenate([np.asarray(line.get_ydata(), float) for line in lower.get_lines()])
    assert np.nanmin(rates) > 0
    assert np.isnan(rates).sum() == 2


def test_curves_are_drawn() -> None:
    one = curve()
    upper = training_figure([one])[0].axes[0]
    heights = [np.asarray(line.get_ydata(), dtype=float) for line in upper.get_lines()]
    validation = np.array([row["validation_loss"] for row in one.history])
    assert any(len(found) == 40 and np.array_equal(found, validation) for found in heights)
    assert any(np.array_equal(found, validation[-1:]) for found in heights)


def test_frame_leaves_out_the_steep_start() -> None:
    one = curve(points=100)
    one.history[0]["validation_loss"] = 50.0  # type: ignore[index]
    low, high = training_figure([one])[0].axes[0].get_ylim()
    assert low < -1.4
    assert one.history[5]["validation_loss"] < high < 0.2


@pytest.mark.parametrize("models", [1, MAX_COLUMNS, MAX_COLUMNS + 1, 3 * MAX_COLUMNS])
def test_many_models_take_several_rows(models: int) -> None:
    curves = [curve(f"mine{i}") for i in range(models)]
    figure, _ = training_figure(curves)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title for title in titles if title] == [f"model mine{i}" for i in range(models)]
    assert len(figure.axes) == 2 * models
    assert figure.get_figwidth() <= 7.0 * MAX_COLUMNS / 3
