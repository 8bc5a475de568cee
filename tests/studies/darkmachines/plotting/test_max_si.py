"""Figure 14: lines, order, marks for what is not resolved or not seen, published results."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_channels import GREY
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hepdensity.files import write_json, write_table
from hepdensity.studies.darkmachines.evaluation.score_table import FIGURE_14
from hepdensity.studies.darkmachines.plotting.max_si import SORT, STOCHASTIC, lines_of, max_si
from hepdensity.studies.darkmachines.plotting.published_lines import COLOUR, PUBLISHED

MODELS = {
    **{f"flow-{name}": ("the flow", name, "paper") for name in ("stochastic", "sort")},
    "own": ("our flow", None, "ours"),
}
SETTINGS: dict[str, Any] = {
    "runs": [
        {
            **{"model": model, "permutation": permutation, "family": family, "look": GREY},
            "treatment": {**GREY, "label": label},
        }
        for model, (label, permutation, family) in MODELS.items()
    ],
    "signals": {"1": {"a": "final", "b": "tuning"}, "2a": {"a": "final", "b": "tuning"}, "3": {}},
    "combinations": {"own-met": {"model": "own", "with": ["met"]}},
    "preset": "quick",
}
SCORES = (*((model, 8) for model in MODELS), ("flow-sort", 10), ("own-met", 8), ("met", None))


def table(value: float | None = 1.0) -> list[dict[str, Any]]:
    rows = []
    for channel in ("1", "2a"):
        for model, n_max in SCORES:
            for signal, role in (("a", "final"), ("b", "tuning")):
                row: dict[str, Any] = dict.fromkeys(FIGURE_14)
                row |= {"channel": channel, "model": model, "n_max": n_max, "seed": 1}
                row |= {"dataset": None if n_max is None else f"{channel}-max{n_max}"}
                row |= {"n_train": 100, "signal": signal, "signal_role": role, "max_si": 3.0}
                known = None if value is None else value * (2 if role == "final" else 1)
                row |= {"max_si_resolved": known}
                row |= {f"max_si_resolved_{end}": known for end in ("low", "high")}
                rows.append(row)
    return rows


def summary() -> list[dict[str, Any]]:
    return [
        {
            **{name: row[name] for name in ("channel", "model", "dataset", "n_train")},
            **{"signal_role": row["signal_role"], "median": 1.5},
            **{"median_low": 1.2, "median_high": 1.8},
        }
        for row in table()
    ]


def draw(
    folder: Path, rows: list[dict[str, Any]], **more: Any
) -> tuple[Figure, list[dict[str, Any]]]:
    write_table(folder / "scores.csv", rows)
    write_table(folder / "summary.csv", summary())
    write_json(folder / "training.json", {"ended_by": "steps"})
    files = {name: folder / f"{name}.csv" for name in ("scores", "summary")}
    figure, out = max_si({**files, "summaries": [folder / "training.json"]}, {**SETTINGS, **more})
    figure.canvas.draw()
    return figure, out


def places_of(line: Line2D) -> list[float]:
    return [float(value) for value in np.atleast_1d(np.asarray(line.get_xdata(), dtype=float))]


def labels_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_one_panel_per_channel_and_one_line_per_score(tmp_path: Path) -> None:
    figure, rows = draw(tmp_path, table())
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["channel 1", "channel 2a"]
    assert labels_of(figure) == ["the flow", "our flow", "our flow + MET", "MET"]
    assert all(list(row) == list(FIGURE_14) for row in rows)
    assert len(rows) == len(table())
    colours = [line.get_color() for line in figure.axes[0].lines if str(line.get_marker()) in "os^"]
    assert colours.count(STOCHASTIC) == 2
    assert colours.count(SORT) == 4
    assert figure.get_suptitle() == "quick preset, not converged"


def test_filled_markers_are_final_signals(tmp_path: Path) -> None:
    figure, _ = draw(tmp_path, table())
    for line in figure.axes[0].lines:
        if str(line.get_marker()) in "os" and len(places_of(line)) == 1:
            filled = line.get_markerfacecolor() != "white"
            assert places_of(line) == [2.0 if filled else 1.0]
    bars = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert len(bars) == len(SCORES)
    assert {places_of(line)[0] for line in bars} == {1.5}


def test_paper_comes_first_and_references_last() -> None:
    lines = lines_of(list(reversed(table())), SETTINGS)
    assert [line.group for line in lines] == [
        *["the flow"] * 3,
        "our flow",
        "our flow + MET",
        "MET",
    ]


def test_what_is_not_resolved_is_said(tmp_path: Path) -> None:
    figure, _ = draw(tmp_path, table(None))
    for axes in figure.axes:
        assert "no working point\nresolved" in axes.texts[0].get_text()


def test_a_signal_that_is_not_seen_is_marked_at_the_edge(tmp_path: Path) -> None:
    figure, _ = draw(tmp_path, table(0.0))
    edge = [line for line in figure.axes[0].lines if places_of(line) == [0.0]]
    assert len(edge) == 2 * len(SCORES)


@pytest.mark.parametrize("published", [False, True])
def test_published_results_belong_to_the_events_of_the_challenge(
    tmp_path: Path, published: bool
) -> None:
    figure, _ = draw(tmp_path, table(), published=published)
    green = [line for line in figure.axes[0].lines if line.get_color() == COLOUR]
    assert bool(green) == published
    assert (labels_of(figure)[-len(PUBLISHED) :] == list(PUBLISHED)) == published
    in_legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any("published" in text for text in in_legend) == published


@pytest.mark.parametrize(
    ("measure", "added"),
    [({"pt": 2, "met": 2, "scale": 100}, ", per phase space"), ({"pt": 1.5}, ", per $p_T^{1.5}$")],
)
def test_measures_are_named(measure: dict[str, float], added: str) -> None:
    combination = {"model": "own", "measure": measure, "with": ["met"]}
    lines = lines_of(table(), {**SETTINGS, "combinations": {"own-met": combination}})
    assert f"our flow{added} + MET" in {line.group for line in lines}
