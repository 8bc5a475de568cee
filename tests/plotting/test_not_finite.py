"""Marks at the edge of the frame for values that are not finite."""

import math
from typing import Any

import pytest
from fake_marks import marks
from matplotlib.figure import Figure

from hepdensity.plotting.not_finite import draw_not_finite, is_not_finite, not_finite_entry

INFINITE = math.inf


def rows(*values: float | None) -> list[dict[str, Any]]:
    return [{"mean": value, "not_finite": 2} for value in values]


@pytest.mark.parametrize("along", ["x", "y"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1.0, None), None),
        ((-INFINITE,), (r"$-\infty$", 0)),
        ((INFINITE,), (r"$\infty$", 1)),
        ((math.nan,), ("NaN", 0)),
        ((-INFINITE, 1.0, -INFINITE, None), (r"$-\infty$ (2/3)", 0)),
    ],
    ids=["finite", "minus infinity", "infinity", "not a number", "two of three"],
)
def test_marks(
    along: Any, values: tuple[float | None, ...], expected: tuple[str, float] | None
) -> None:
    axes = Figure().subplots()
    draw_not_finite(axes, 7.0, rows(*values), "mean", "red", along)
    found = marks(axes, "red", along)
    assert [(text, edge) for text, _, edge in found] == ([] if expected is None else [expected])
    assert all(place == 7.0 for _, place, _ in found)
    assert len(axes.get_lines()) == len(found)


def test_a_mark_does_not_move_the_axis_of_the_values() -> None:
    axes = Figure().subplots()
    axes.plot([1, 2], [50, 60])
    before = axes.get_ylim()
    draw_not_finite(axes, 3.0, rows(-INFINITE), "mean", "red")
    axes.autoscale_view()
    assert axes.get_ylim() == before
    assert axes.get_xlim()[1] > 3


def test_legend() -> None:
    assert not not_finite_entry(rows(1.0, None), ["mean"])
    (entry,) = not_finite_entry(rows(1.0, INFINITE), ["mean"])
    assert entry.get_label() == "not finite: 2 test events without density"


def test_what_is_not_finite() -> None:
    assert [is_not_finite(value) for value in (None, 0.0, INFINITE, -INFINITE, math.nan)] == [
        *(False, False),
        *(True, True, True),
    ]
