"""Names, colours and files of figures."""

import logging
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from hepdensity.plotting.style import (
    PALETTE,
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
    mine = variant("my_model")
    assert mine.label == "my_model"
    assert mine.colour in PALETTE and mine.colour not in {look.colour for look in looks}


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
            save_figure(small_figure(), tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
    assert not caplog.records
    assert dict(mpl.rcParams) == before
    for kind, magic in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
        content = (tmp_path / f"one.{kind}").read_bytes()
        assert content.startswith(magic)
        assert content == (tmp_path / f"two.{kind}").read_bytes()
    assert b"CreationDate" not in (tmp_path / "one.pdf").read_bytes()
    assert len(list(tmp_path.iterdir())) == 4
