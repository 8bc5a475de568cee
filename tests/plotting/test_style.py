"""Names, colours and files of figures."""

import logging
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from hepdensity.io import read_json
from hepdensity.plotting.style import (
    OWN_COLOURS,
    OWN_MARKERS,
    VARIANTS,
    convergence_note,
    draw_note,
    journal_style,
    save_figure,
    sequence_colours,
    short_number,
    variant,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(500, "500"), (5000, "5k"), (2500, "2.5k"), (750_000, "750k"), (1_000_000, "1M")],
)
def test_short_number(value: int, text: str) -> None:
    assert short_number(value) == text


@pytest.mark.parametrize(
    ("ended_by", "note"),
    [
        (["learning rate", "validations"], None),
        (["learning rate", "steps"], "quick preset, not converged"),
        (["seconds"], "quick preset, not converged"),
    ],
    ids=["stop rules", "one by steps", "by time"],
)
def test_convergence_note(ended_by: list[str], note: str | None) -> None:
    assert convergence_note("quick", ended_by) == note


def test_variants_differ() -> None:
    looks = list(VARIANTS.values())
    assert len({look.colour for look in looks}) == len({look.label for look in looks}) == len(looks)


def test_models_of_a_user_look_different() -> None:
    names = [f"model_{i}" for i in range(len(OWN_COLOURS) * len(OWN_MARKERS))]
    mine = [variant(name) for name in names]
    assert [look.label for look in mine] == names
    assert len({(look.colour, look.marker) for look in mine}) == len(mine)
    first = mine[: len(OWN_COLOURS)]
    assert len({look.colour for look in first}) == len(first)
    assert len({look.marker for look in first}) == len(first)
    known = VARIANTS.values()
    assert not {look.colour for look in mine} & {look.colour for look in known}
    assert not {look.marker for look in mine} & {look.marker for look in known}
    assert [variant(name) for name in names] == mine


def test_sequence_colours() -> None:
    colours = sequence_colours([200, 50, 200, 1000])
    assert list(colours) == [50, 200, 1000]
    assert len(set(colours.values())) == 3
    assert sequence_colours([7]).keys() == {7}


def small_figure() -> Figure:
    with journal_style():
        figure = Figure(figsize=(2, 2))
        axes = figure.subplots()
        axes.plot([1, 2], label="$m$ [GeV]")
        axes.legend()
        draw_note(figure, "a note")
    return figure


def test_files_are_complete_and_reproducible(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = dict(mpl.rcParams)
    with caplog.at_level(logging.WARNING):
        for name in ("one", "two"):
            files = (tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
            save_figure(small_figure(), *files, {"seed": 1})
    assert not caplog.records
    assert dict(mpl.rcParams) == before
    for kind, magic in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
        content = (tmp_path / f"one.{kind}").read_bytes()
        assert content.startswith(magic)
        assert content == (tmp_path / f"two.{kind}").read_bytes()
    assert b"CreationDate" not in (tmp_path / "one.pdf").read_bytes()
    assert read_json(tmp_path / "one.json") == {"provenance": {"seed": 1}}
    assert len(list(tmp_path.iterdir())) == 6
