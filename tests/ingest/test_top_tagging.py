"""The top-tagging data set: tables of pandas, and what is done about bad jets and files."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import vector
from made_up_jets import assert_same_jets
from pandas_tables import jet_columns, write_table

from hepdensity.ingest.pandas_table import open_table, pickled_names
from hepdensity.ingest.top_tagging import read_top_tagging
from hepdensity.physics.constituents import (
    ConstituentJets,
    JetForm,
    JetWindow,
    concatenated_jets,
)

PLACES = 20


def momenta_of(n: int, seed: int = 1) -> np.ndarray:
    """Momenta (E, px, py, pz) [GeV] of n jets, sorted by pT and filled up with zeros."""
    numbers = np.random.default_rng(seed)
    pt = -np.sort(-numbers.exponential(30, (n, PLACES)), axis=1)
    pt *= 600 / pt.sum(axis=1, keepdims=True)
    pt[np.arange(PLACES) >= numbers.integers(3, PLACES + 1, (n, 1))] = 0
    eta = numbers.uniform(-1.5, 1.5, (n, 1)) + numbers.normal(0, 0.2, pt.shape)
    phi = numbers.uniform(-3, 3, (n, 1)) + numbers.normal(0, 0.2, pt.shape)
    parts = [pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]
    return np.stack(parts, axis=2)


def columns_of(momenta: np.ndarray, **columns: np.ndarray) -> dict[str, np.ndarray]:
    n = len(momenta)
    flags = {"ttv": np.zeros(n, np.int64), "is_signal_new": np.arange(n) % 2}
    return jet_columns(momenta, **{**flags, **columns})


def read(path: Path, **options: Any) -> ConstituentJets:
    return concatenated_jets(list(read_top_tagging(path, **options)))


def test_jets_of_the_table(tmp_path: Path) -> None:
    momenta = momenta_of(30)
    ttv = np.repeat([0, 1, 2], 10)
    path = write_table(tmp_path / "a.h5", columns_of(momenta, ttv=ttv))
    counts: Counter[str] = Counter()
    jets = read(path, form=JetForm(most=15), counts=counts)
    assert counts == {"read": 30, "kept": 30}
    assert jets.label.tolist() == ["qcd", "top"] * 15
    assert jets.part.tolist() == [0] * 10 + [2] * 10 + [1] * 10
    assert jets.event_id.tolist() == list(range(30))
    for i in (0, 7, 29):
        rows = momenta[i, momenta[i, :, 0] > 0]
        energy, px, py, pz = rows.sum(axis=0)
        total = vector.obj(px=px, py=py, pz=pz, E=energy)
        expected = [total.pt, total.eta, total.phi, total.mass, min(len(rows), 15)]
        np.testing.assert_allclose(jets.jet[i], expected, rtol=1e-5)
        one = vector.obj(px=rows[1, 1], py=rows[1, 2], pz=rows[1, 3], E=rows[1, 0])
        relative = [one.eta - total.eta, one.deltaphi(total), one.pt]
        np.testing.assert_allclose(jets.constituents[i, 1], relative, rtol=1e-4, atol=1e-6)


def test_truncated_jets_lose_momentum(tmp_path: Path) -> None:
    """As in the paper's preprocessing, a jet of its kept constituents can leave the window."""
    path = write_table(tmp_path / "a.h5", columns_of(momenta_of(200)))
    whole, kept = (read(path, form=JetForm(5, of)) for of in ("all", "kept"))
    assert (kept.jet[:, 0] <= whole.jet[:, 0] + 1e-3).mean() > 0.95
    counts: Counter[str] = Counter()
    form = JetForm(5, "kept", JetWindow((450.0, 650.0)))
    inside = read(path, form=form, counts=counts)
    assert counts["kept"] == len(inside) == ((kept.jet[:, 0] > 450) & (kept.jet[:, 0] < 650)).sum()
    assert counts["outside the window"] == 200 - len(inside) > 0


@pytest.mark.parametrize(
    "how",
    [
        {"own": ("is_signal_new", "ttv")},
        {"protocol": 2},
        {"protocol": 5},
        {"chunks": (7,), "compression": "gzip"},
    ],
    ids=str,
)
def test_the_same_table_in_other_forms(tmp_path: Path, how: dict[str, Any]) -> None:
    columns = columns_of(momenta_of(25))
    plain = read(write_table(tmp_path / "a.h5", columns))
    other = write_table(tmp_path / "b.h5", columns, **how)
    assert_same_jets(read(other, chunk_jets=4), plain)


def test_order_of_the_columns_does_not_matter(tmp_path: Path) -> None:
    columns = columns_of(momenta_of(25))
    turned = dict(reversed(columns.items()))
    plain, other = (
        read(write_table(tmp_path / f"{i}.h5", of)) for i, of in enumerate((columns, turned))
    )
    assert_same_jets(other, plain)


def test_without_parts(tmp_path: Path) -> None:
    columns = columns_of(momenta_of(5))
    del columns["ttv"]
    assert read(write_table(tmp_path / "a.h5", columns)).part.tolist() == [-1] * 5


def nothing(momenta: np.ndarray) -> None:
    momenta[3] = 0


def nan(momenta: np.ndarray) -> None:
    momenta[3, 1, 2] = np.nan


def infinite(momenta: np.ndarray) -> None:
    momenta[3, 1, 0] = np.inf


def along_the_beam(momenta: np.ndarray) -> None:
    momenta[3, 2, 1:3] = 0


def no_energy(momenta: np.ndarray) -> None:
    momenta[3, 2, 0] = 0


def balanced(momenta: np.ndarray) -> None:
    momenta[3] = 0
    momenta[3, :2] = [[50, 50, 0, 0], [50, -50, 0, 0]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (nothing, "there are no constituents"),
        (nan, "a number is not finite"),
        (infinite, "a number is not finite"),
        (along_the_beam, "a constituent has energy and no transverse momentum"),
        (no_energy, "a constituent has less energy than momentum"),
        (balanced, "the jet has no transverse momentum"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_irregular_jets_are_counted_and_left_out(
    tmp_path: Path, change: Callable[[np.ndarray], None], reason: str
) -> None:
    momenta = momenta_of(20)
    change(momenta)
    path = write_table(tmp_path / "a.h5", columns_of(momenta))
    counts: Counter[str] = Counter()
    jets = read(path, counts=counts)
    assert counts == {"read": 20, "kept": 19, reason: 1}
    assert 3 not in jets.event_id
    told = rf"a\.h5: 1 of 20 jets are left out or shortened \({reason}: 1\), more than the fraction"
    with pytest.raises(ValueError, match=told):
        read(path, most_irregular=0.01)


def test_a_hole_and_a_single_constituent(tmp_path: Path) -> None:
    momenta = momenta_of(4)
    momenta[1, 1] = 0
    momenta[2, 1:] = 0
    jets = read(write_table(tmp_path / "a.h5", columns_of(momenta)))
    assert jets.jet[1, 4] == (momenta[1, :, 0] > 0).sum()
    assert jets.jet[2, 4] == 1
    pt = np.hypot(momenta[2, 0, 1], momenta[2, 0, 2])
    assert jets.jet[2, 0] == pytest.approx(pt)
    assert jets.constituents[2, 0] == pytest.approx([0.0, 0.0, pt], abs=1e-4)


def test_unknown_flags(tmp_path: Path) -> None:
    flags = np.array([0, 1, 0, 3, 1])
    path = write_table(tmp_path / "a.h5", columns_of(momenta_of(5), is_signal_new=flags))
    with pytest.raises(ValueError, match=r"a\.h5: row 4: is_signal_new is 3, and only \[0, 1\]"):
        read(path, chunk_jets=2)
    path = write_table(tmp_path / "b.h5", columns_of(momenta_of(5), ttv=flags))
    with pytest.raises(ValueError, match=r"b\.h5: row 4: ttv is 3"):
        read(path)
    assert read(path, parts={0: "test", 1: "train", 3: "validation"}).part.tolist() == [
        2,
        0,
        2,
        1,
        0,
    ]


def test_missing_columns(tmp_path: Path) -> None:
    columns = columns_of(momenta_of(5))
    del columns["PY_4"], columns["is_signal_new"]
    with pytest.raises(ValueError, match=r"a\.h5: the table lacks the columns PY_4, is_signal_new"):
        read(write_table(tmp_path / "a.h5", columns))
    other = {"E": np.zeros(3), "is_signal_new": np.zeros(3)}
    with pytest.raises(
        ValueError, match=r"lacks the columns PX_0, PY_0, PZ_0, E_0; give a file of"
    ):
        read(write_table(tmp_path / "b.h5", other))


def test_no_jet_is_kept(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.h5", columns_of(momenta_of(5)))
    with pytest.raises(ValueError, match=r"a\.h5: no jet is kept .*'outside the window': 5"):
        read(path, form=JetForm(window=JetWindow((5.0, 6.0))))


def fixed(file: h5py.File) -> None:
    del file["table"]
    file["table/axis0"] = [1]


def array(file: h5py.File) -> None:
    del file["table"]
    file["table"] = np.zeros((3, 4))


def rename(file: h5py.File) -> None:
    file.move("table", "jets")


def empty(file: h5py.File) -> None:
    file["table/table"].resize(0, axis=0)


def nameless(file: h5py.File) -> None:
    del file["table/table"].attrs["values_block_1_kind"]


def code(file: h5py.File) -> None:
    file["table/table"].attrs["values_block_0_kind"] = np.bytes_(b"cos\nsystem\n(S'true'\ntR.")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (fixed, "'table' is of format 'fixed'; write it with pandas"),
        (array, "'table' is not a table of pandas"),
        (rename, "there is no table 'table'; the file has jets"),
        (empty, "the table 'table' has no rows"),
        (nameless, "the names of the 2 columns of values_block_1 cannot be read"),
        (code, "the names of the 84 columns of values_block_0 cannot be read"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_other_tables(tmp_path: Path, change: Callable[[h5py.File], None], problem: str) -> None:
    path = write_table(tmp_path / "a.h5", columns_of(momenta_of(5)), chunks=(2,))
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=rf"a\.h5: {problem}"):
        read(path)


def test_compression_that_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = columns_of(momenta_of(5))
    path = write_table(tmp_path / "a.h5", columns, chunks=(2,), compression="lzf")
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda number: number != h5py.h5z.FILTER_LZF)
    with pytest.raises(ValueError, match="compressed with lzf, which HDF5 lacks; install the pack"):
        read(path)


def test_cut_off_and_damaged_files(tmp_path: Path) -> None:
    path = write_table(
        tmp_path / "a.h5", columns_of(momenta_of(60)), chunks=(10,), compression="gzip"
    )
    with h5py.File(path) as file:
        stored = file["table/table"].id.get_chunk_info(3)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"a\.h5: cannot be opened as HDF5; .* cut off"):
        read(path)
    data[stored.byte_offset : stored.byte_offset + 30] = bytes(30)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.h5: rows 31 to 40 are damaged or cut off"):
        read(path, chunk_jets=10)
    for content, problem in ((b"", "cannot be opened as HDF5"), (b"text", "another kind of file")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=problem):
            read(path)
    with pytest.raises(ValueError, match="no such file"):
        read(tmp_path / "no.h5")


def test_names_are_not_unpickled() -> None:
    assert pickled_names(b"(lp0\nVE_0\np1\naVPX_0\np2\na.") == ["E_0", "PX_0"]
    assert pickled_names(b"(lp1\nS'E_0'\np2\naS'PX_0'\np3\na.") == ["E_0", "PX_0"]
    assert pickled_names(b"cos\nsystem\n(S'true'\ntR.") is None
    assert pickled_names(b"(lp0\nVE_0") is None
    assert pickled_names(b"not a pickle") is None


def test_only_the_rows_asked_for_are_read(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.h5", columns_of(momenta_of(50)))
    with open_table(path, "table") as table:
        assert table.rows == 50
        rows = table.read(["is_signal_new", "E_1"], 10, 13)
    assert rows[:, 0].tolist() == [0, 1, 0]
    np.testing.assert_allclose(rows[:, 1], momenta_of(50)[10:13, 1, 0], rtol=1e-6)
