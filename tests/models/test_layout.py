"""The layout of events: columns of a row, plain values, refusals."""

import json
from typing import Any

import pytest
from model_events import general_layout, joined_layout, sets_layout

from hepdensity.models.layout import Code, Column, Layout, PresenceSet


def test_a_row_has_continuous_then_categorical_columns() -> None:
    layout = general_layout()
    assert (layout.features, layout.continuous, layout.categorical) == (11, 7, 4)
    assert [(s.start, s.stop) for s in layout.slices] == [(0, 1), (1, 7), (7, 8), (8, 11)]
    assert layout.block(1) == (3, 4, 9)
    names = [layout.column_of(i).name for i in range(11)]
    assert names == ["energy", *["momentum", "angle"] * 3, "flag", *["type"] * 3]
    assert layout.index("flag") == 7
    assert layout.index("type", 2) == 10
    assert layout.index("angle", 0) == 2
    assert (layout.least_particles, layout.most_particles) == (1, 3)


def test_codes_read_event_columns_first_and_particles_by_place() -> None:
    layout = joined_layout(2)
    assert [layout.code_columns(code) for code in layout.codes] == [(4, 5, 7, 9), (6, 8, 10)]


@pytest.mark.parametrize("name", ["energy", "gone"])
def test_columns_that_particles_do_not_have_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"no particle column '{name}'"):
        general_layout().index(name, 0)
    with pytest.raises(ValueError, match="none at index 11"):
        general_layout().column_of(11)


@pytest.mark.parametrize(
    "layout", [general_layout(), joined_layout(3), sets_layout()], ids=["general", "joined", "sets"]
)
def test_plain_values_give_the_layout_back(layout: Layout) -> None:
    assert Layout.from_json(json.loads(json.dumps(layout.to_json()))) == layout


def test_constants_are_kept() -> None:
    layout = Layout((Column("x"),), (), 0, constants={"mass": 0.2})
    assert Layout.from_json(layout.to_json()).constants == {"mass": 0.2}


@pytest.mark.parametrize("change", [{"extra": 1}, {"event": None}, {"particle": [{"nome": "x"}]}])
def test_other_values_are_no_layout(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a layout"):
        Layout.from_json({**general_layout().to_json(), **change})
    with pytest.raises(ValueError, match="not a layout"):
        Layout.from_json({})


X, FLAG = Column("x"), Column("flag", categories=2)
TYPE = Column("type", categories=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"event": (X, X)}, "two columns are named 'x'"),
        ({"event": ()}, "at least one column"),
        ({"particles": 2}, "2 particles has 0 particle columns"),
        ({"particle": (Column("y"),)}, "0 particles has 1 particle columns"),
        ({"codes": (Code("a", ("x",)),)}, "'x', which is not a categorical column"),
        ({"codes": (Code("a", ("gone",)),)}, "'gone', which is not a categorical column"),
        (
            {"event": (FLAG,), "codes": (Code("a", ("flag",)), Code("b", ("flag",)))},
            "'flag' is in two codes",
        ),
        (
            {"event": (FLAG, TYPE), "codes": (Code("a", ("flag", "type"), "permutation"),)},
            "permutation of 2 values, but column 'type' has 3",
        ),
    ],
)
def test_contradictions_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Layout(**{"event": (X,), "particle": (), "particles": 0, **settings})


@pytest.mark.parametrize(
    ("sets", "codes", "message"),
    [
        ([PresenceSet("a", 1), PresenceSet("b", 1)], (), "same number of particles"),
        ([PresenceSet("a", 1), PresenceSet("a", 2)], (), "two presence sets are named 'a'"),
        ([PresenceSet("a", 3)], (), "'a' has 3 particles, but the layout allows 0 to 2"),
        ([PresenceSet("a", 1, 0.5), PresenceSet("b", 2)], (), "give all of them or none"),
        ([PresenceSet("a", 1, 0.5), PresenceSet("b", 2, 0.6)], (), "sum to 1"),
        ([PresenceSet("a", 1, 0.0), PresenceSet("b", 2, 1.0)], (), "must be positive"),
        ([PresenceSet("a", 1)], (Code("types", ("type",)),), "omit the code"),
    ],
)
def test_contradictory_sets_are_refused(
    sets: list[PresenceSet], codes: tuple[Code, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Layout((), (X, TYPE), 2, codes, tuple(sets))


def test_bad_columns_and_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="column 'x' has support 'cube'"):
        Column("x", support="cube")
    with pytest.raises(ValueError, match="column 'x' has 1 categories"):
        Column("x", categories=1)
    with pytest.raises(ValueError, match="code 'a' has kind 'sum'"):
        Code("a", ("x",), "sum")
    with pytest.raises(ValueError, match="code 'a' needs distinct columns"):
        Code("a", ("x", "x"))
