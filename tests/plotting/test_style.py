"""Names, colours and files of figures."""

import logging
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from hepdensity.files import read_json
from hepdensity.plotting.style import (
    OWN_COLOURS,
    OWN_MARKERS,
    PERMUTATIONS,
    TREATMENTS,
    VARIANTS,
    convergence_note,
    draw_note,
    journal_style,
    save_figure,
    scaled_density_label,
    sequence_colours,
    short_number,
    treatment_look,
    treatment_of,
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


def test_treatments_differ() -> None:
    looks = list(TREATMENTS.values())
    labelled = [look for name, look in TREATMENTS.items() if not name.startswith("dropout")]
    assert len({look.label for look in looks}) == len(looks)
    assert len({look.colour for look in labelled}) == len(labelled)
    assert len({look.marker for look in labelled}) == len(labelled)
    assert not {look.colour for look in looks} & set(OWN_COLOURS)
    assert len({look.marker for look in PERMUTATIONS.values()}) == len(PERMUTATIONS)


# What the colours become for readers without red, green or blue cones (Machado et al. 2009,
# doi:10.1109/TVCG.2009.113), in linear RGB.
DICHROMACY = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def cie_lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB coordinates of linear sRGB, in which distances are those seen."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(linear, 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", DICHROMACY)
def test_treatments_of_labels_differ_for_any_colour_vision(vision: str) -> None:
    looks = [look for name, look in TREATMENTS.items() if not name.startswith("dropout")]
    seen = []
    for look in looks:
        rgb = np.array(mpl.colors.to_rgb(look.colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        seen.append(cie_lab(np.array(DICHROMACY[vision]) @ linear))
    distances = [np.linalg.norm(one - other) for one, other in combinations(seen, 2)]
    assert min(distances) > 15


@pytest.mark.parametrize(
    ("model", "permutation", "treatment", "label"),
    [
        ("mixture-balanced-sort", "sort", "mixture-balanced", "mixture, balanced, sort"),
        ("argmax-flow-stochastic", "stochastic", "argmax-flow", "argmax, flow, stochastic"),
        ("classifier-sort", "sort", "classifier", "classifier, sort"),
        ("phase-space-labels", None, "phase-space-labels", "phase space, labels (ours)"),
        ("phase-space", None, "phase-space", "phase space (ours)"),
    ],
)
def test_names_of_models(model: str, permutation: str, treatment: str, label: str) -> None:
    assert treatment_of(model, permutation) == treatment
    assert variant(model).label == label
    assert treatment_look("mixture-balanced") is TREATMENTS["mixture-balanced"]


def test_a_treatment_of_a_user_has_one_look() -> None:
    looks = {treatment_look(treatment_of(f"mine-{one}", one)) for one in ("sort", "stochastic")}
    assert len(looks) == 1


@pytest.mark.parametrize(("highest", "power"), [(6.2e-5, "-5"), (0.99, "-1"), (120.0, "2")])
def test_scaled_density_label(highest: float, power: str) -> None:
    axes = Figure().subplots()
    label = scaled_density_label(axes, highest, "$dN/dE$", "GeV")
    assert label == rf"$dN/dE$  [$\mathrm{{10^{{{power}}}}}$ $\mathrm{{GeV^{{-1}}}}$]"
    tick = axes.yaxis.get_major_formatter()
    assert float(tick(highest)) * 10 ** float(power) == pytest.approx(highest)


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
