"""Text files of jets: their form, and what is done about bad lines."""

import bz2
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_jets import random_jets

from hepdensity.ingest.hidden_valley import read_hidden_valley
from hepdensity.physics.constituents import ConstituentJets, JetForm, concatenated_jets


def line_of(jets: ConstituentJets, i: int) -> str:
    """A line of the file, its constituents in reversed order."""
    pt, eta, phi, mass, n = jets.jet[i].tolist()
    rows = jets.constituents[i, : int(n)].astype(np.float64)[::-1]
    rest = "0.5 0.4 0.3 0.2 0.1 7"
    head = f"{i} 0 J {pt!r} {eta!r} {phi!r} {mass!r} {rest}"
    return head + "".join(f" P {p!r} {a + eta!r} {b + phi!r}" for a, b, p in rows.tolist())


def write(path: Path, lines: list[str], end: str = "\n") -> Path:
    path.write_text("\n".join(lines) + end)
    return path


def read(path: Path, **options: Any) -> ConstituentJets:
    return concatenated_jets(list(read_hidden_valley(path, **options)))


@pytest.fixture
def jets() -> ConstituentJets:
    return random_jets(25, seed=5)


def test_round_trip(tmp_path: Path, jets: ConstituentJets) -> None:
    lines = [line_of(jets, i) for i in range(len(jets))]
    lines.insert(4, "")
    counts: Counter[str] = Counter()
    found = read(write(tmp_path / "a.txt", lines), counts=counts, chunk_jets=7)
    assert counts == {"read": 25, "kept": 25}
    np.testing.assert_allclose(found.jet, jets.jet)
    np.testing.assert_allclose(found.constituents, jets.constituents, rtol=1e-5, atol=1e-6)
    assert set(found.label) == {"hidden_valley"}
    assert found.event_id.tolist() == list(range(25))
    (tmp_path / "b.txt.bz2").write_bytes(bz2.compress((tmp_path / "a.txt").read_bytes()))
    np.testing.assert_array_equal(read(tmp_path / "b.txt.bz2").jet, found.jet)


def test_jets_of_the_kept_constituents(tmp_path: Path, jets: ConstituentJets) -> None:
    path = write(tmp_path / "a.txt", [line_of(jets, i) for i in range(len(jets))])
    whole, kept = (read(path, form=JetForm(3, of)) for of in ("all", "kept"))
    np.testing.assert_allclose(whole.jet[:, :4], jets.jet[:, :4])
    long = jets.jet[:, 4] > 3
    assert (np.abs(kept.jet[long, 0] / jets.jet[long, 0] - 1) > 0.01).mean() > 0.5
    np.testing.assert_allclose(kept.constituents[:, :, 2], jets.constituents[:, :3, 2], rtol=1e-5)


HEAD = "1 0 J 600 0.5 1 80 1 2 3 4 5 6"
GOOD = f"{HEAD} P 400 0.5 1.1 P 200 0.4 0.9"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1 0 600 0.5 1 80", "it does not begin with two whole numbers, J and ten numbers"),
        ("1 0 J 600 0.5 1 80 1 2 3 4 5", "it does not begin with"),
        (f"{HEAD} 400 0.5 1.1", "constituents are not groups of P, pT, eta and phi"),
        (f"{HEAD} P 400 0.5", "constituents are not groups of P"),
        (f"{HEAD} P 400 0.5 1.1 Q 1 2 3", "constituents are not groups of P"),
        (f"{HEAD} P 400 0.5 x", "a word is not a number"),
        ("1 0.5 J 600 0.5 1 80 1 2 3 4 5 6 P 400 0.5 1.1", "a word is not a number"),
    ],
)
def test_lines_of_another_form(tmp_path: Path, line: str, problem: str) -> None:
    path = write(tmp_path / "a.txt", [GOOD, "", line, GOOD])
    with pytest.raises(ValueError, match=rf"a\.txt: line 3: {problem}"):
        read(path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (HEAD, "there are no constituents"),
        (f"{HEAD} P 0 0.5 1.1 P 5 1 1", "a constituent has no positive pT"),
        (f"{HEAD} P -3 0.5 1.1", "a constituent has no positive pT"),
        (f"{HEAD} P nan 0.5 1.1", "a number is not finite"),
        (f"{HEAD} P 1 0.5 inf", "a number is not finite"),
        (f"{HEAD} P 1 1e9 1", "a number is not finite"),
        (GOOD.replace("600", "nan"), "a number is not finite"),
        (GOOD.replace("600", "0"), "the jet has no transverse momentum"),
    ],
)
def test_irregular_jets_are_counted_and_left_out(tmp_path: Path, line: str, reason: str) -> None:
    counts: Counter[str] = Counter()
    found = read(write(tmp_path / "a.txt", [GOOD, line, GOOD]), counts=counts, most_irregular=0.5)
    assert counts == {"read": 3, "kept": 2, reason: 1}
    assert found.event_id.tolist() == [0, 2]
    with pytest.raises(ValueError, match="1 of 3 jets are left out or shortened"):
        read(tmp_path / "a.txt")


def test_cut_off_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", [GOOD, GOOD], end="")
    with pytest.raises(ValueError, match=r"a\.txt: line 2: the file ends within the line; copy it"):
        read(path)
    data = bz2.compress((GOOD + "\n").encode() * 50)
    (tmp_path / "b.bz2").write_bytes(data[:-10])
    with pytest.raises(ValueError, match=r"b\.bz2: .* truncated or damaged"):
        read(tmp_path / "b.bz2")
    path.write_text("")
    with pytest.raises(ValueError, match=r"a\.txt: the file is empty"):
        read(path)
    path.write_text("\n\n")
    with pytest.raises(ValueError, match=r"a\.txt: there are no jets; give a file with jets"):
        read(path)
