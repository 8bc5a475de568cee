"""Names, colours and files of figures."""

import logging
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure

from hepdensity.files import write_json
from hepdensity.models.kind import ABSENT, CATEGORICAL, Look
from hepdensity.models.registry import kinds_of, looks
from hepdensity.plotting.style import (
    PERMUTATIONS,
    convergence_note,
    draw_note,
    journal_style,
    looks_of,
    note_of,
    save_figure,
    scaled_density_label,
    sequence_colours,
    short_number,
)

REPOSITORY = Path(__file__).resolve().parents[2]


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


def test_note_is_read_from_the_summaries(tmp_path: Path) -> None:
    paths = [tmp_path / f"{ending}.json" for ending in ("validations", "steps")]
    for path in paths:
        write_json(path, {"ended_by": path.stem})
    assert note_of({"summaries": paths}, {"preset": "long"}) == "long preset, not converged"
    assert note_of({"summaries": paths[:1]}, {"preset": "long"}) is None


def catalogue(study: str) -> dict[str, dict[str, Any]]:
    """Models of a study by name."""
    path = REPOSITORY / "workflow" / "studies" / study / "models.yaml"
    models: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())
    return models


STUDIES = sorted(path.parent.name for path in REPOSITORY.glob("workflow/studies/*/models.yaml"))


def looks_of_kinds(study: str, features: Iterable[str]) -> list[Look]:
    """Looks of the treatments of models that need certain features."""
    models, kinds = catalogue(study), kinds_of(study)
    found = looks(list(models), models, kinds)
    own = [name for name in models if kinds[models[name]["kind"]].needs == frozenset(features)]
    return list(dict.fromkeys(found[name][1] for name in own))


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("needs", [(), (ABSENT,), (CATEGORICAL,), (ABSENT, CATEGORICAL)], ids=str)
def test_looks_of_one_figure_differ(study: str, needs: tuple[str, ...]) -> None:
    found = looks_of_kinds(study, needs)
    for part in ("label", "colour", "marker"):
        assert len({getattr(look, part) for look in found}) == len(found), part


def test_permutation_treatments_look_as_plain_flows_do() -> None:
    shown = list(PERMUTATIONS.values())
    assert len({look.label for look in shown}) == len({look.marker for look in shown}) == 4
    flow = kinds_of()["flow"]
    for permutation in ("none", "stochastic", "sort"):
        assert flow.look({"permutation": permutation}) == PERMUTATIONS[permutation]


def test_looks_come_from_the_runs() -> None:
    one, other = Look("a", "#000000", "o"), Look("b", "#ffffff", "s")
    run = {"model": "mine", "look": one.to_dict(), "treatment": other.to_dict()}
    assert looks_of([run]) == {"mine": one}
    assert looks_of([run], "treatment") == {"mine": other}


# How readers without red, green or blue cones see the colours (Machado et al. 2009,
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
    """CIELAB coordinates of linear sRGB, in which distances are perceptual."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(linear, 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", DICHROMACY)
def test_treatments_of_categories_differ_for_any_colour_vision(vision: str) -> None:
    seen = []
    for look in looks_of_kinds("gluino", [CATEGORICAL]):
        rgb = np.array(mpl.colors.to_rgb(look.colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        seen.append(cie_lab(np.array(DICHROMACY[vision]) @ linear))
    distances = [np.linalg.norm(one - other) for one, other in combinations(seen, 2)]
    assert min(distances) > 15


@pytest.mark.parametrize(("highest", "power"), [(6.2e-5, "-5"), (0.99, "-1"), (120.0, "2")])
def test_scaled_density_label(highest: float, power: str) -> None:
    axes = Figure().subplots()
    label = scaled_density_label(axes, highest, "$dN/dE$", "GeV")
    assert label == rf"$dN/dE$  [$\mathrm{{10^{{{power}}}}}$ $\mathrm{{GeV^{{-1}}}}$]"
    tick = axes.yaxis.get_major_formatter()
    assert float(tick(highest)) * 10 ** float(power) == pytest.approx(highest)


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
            save_figure(small_figure(), *files)
    assert not caplog.records
    assert dict(mpl.rcParams) == before
    for kind, magic in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
        content = (tmp_path / f"one.{kind}").read_bytes()
        assert content.startswith(magic)
        assert content == (tmp_path / f"two.{kind}").read_bytes()
    assert b"CreationDate" not in (tmp_path / "one.pdf").read_bytes()
    assert len(list(tmp_path.iterdir())) == 4
