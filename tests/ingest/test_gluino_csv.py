"""Ingestion of CSV files in the format of the paper's public data."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hepdensity.ingest import gluino_csv
from hepdensity.ingest.event_file import read_events
from hepdensity.ingest.gluino_csv import columns_of, ingest_csv
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import rambo

N_EVENTS = 7
MASS = 607.7137


def sample(n_out: int = 4) -> np.ndarray:
    """Rows of the file, with colours as positions of legs 1 to 5 after leg 0."""
    numbers = np.random.default_rng(5)
    momenta, _ = rambo(N_EVENTS, n_out, 3000.0, MASS, torch.Generator().manual_seed(5))
    rows = momenta.numpy().reshape(N_EVENTS, -1)
    if n_out == 2:
        return rows
    positions = numbers.permuted(np.tile(np.arange(5), (N_EVENTS, 1)), axis=1)
    return np.hstack([rows, numbers.choice([-1, 1], (N_EVENTS, 6)), positions])


def save(path: Path, rows: np.ndarray, digits: int = 11) -> Path:
    np.savetxt(path, rows, fmt=f"%.{digits}g", delimiter=",")
    return path


def ingest(path: Path, process: str = "four_gluino") -> Events:
    output = path.parent / "out" / "events.h5"
    ingest_csv(path, output, process, {})
    return read_events(output)


@pytest.mark.parametrize(
    ("process", "columns"), [("four_gluino", 27), ("two_gluino", 8)], ids=["four", "two"]
)
def test_columns(process: str, columns: int) -> None:
    assert columns_of(process) == columns


@pytest.mark.parametrize("block", [20_000, 3], ids=["one block", "blocks of three"])
def test_four_gluinos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(gluino_csv, "BLOCK_EVENTS", block)
    rows = sample()
    events = ingest(save(tmp_path / "data_4_gluino.csv", rows))
    assert (len(events), events.source) == (N_EVENTS, "csv")
    assert (events.sqrt_s, events.mass) == pytest.approx((3000.0, MASS), rel=1e-9)
    np.testing.assert_allclose(events.momenta, rows[:, :16].reshape(-1, 4, 4), rtol=1e-9)
    np.testing.assert_array_equal(events.helicities, rows[:, 16:22])
    assert events.colour_order is not None
    for order, positions in zip(events.colour_order, rows[:, 22:], strict=True):
        assert order[0] == 0
        for leg, position in enumerate(positions, start=1):
            assert order[1 + int(position)] == leg
    assert (events.alpha_s, events.weights, events.cross_section) == (None, None, None)


def test_two_gluinos_have_no_labels(tmp_path: Path) -> None:
    rows = sample(2)
    events = ingest(save(tmp_path / "data_2_gluino.csv", rows), "two_gluino")
    np.testing.assert_allclose(events.momenta, rows.reshape(-1, 2, 4), rtol=1e-9)
    assert events.helicities is None and events.colour_order is None


def with_entry(row: int, column: int, entry: float) -> np.ndarray:
    rows = sample()
    rows[row, column] = entry
    return rows


BAD_VALUES = {
    "nan momentum": (with_entry(2, 5, np.nan), "event 3: momenta or labels are not finite"),
    "momentum not conserved": (with_entry(4, 1, 50.0), "event 5: momentum is not conserved"),
    "off mass shell": (with_entry(3, 0, 900.0), "event 4: "),
    "helicity 9": (with_entry(6, 17, 9), "event 7: a helicity"),
    "no permutation": (with_entry(1, 22, 5), "event 2: the colour columns are not a permutation"),
    "fractional label": (with_entry(1, 22, 0.5), "event 2: the colour columns are not a permut"),
}


@pytest.mark.parametrize(("rows", "message"), BAD_VALUES.values(), ids=list(BAD_VALUES))
def test_bad_values(tmp_path: Path, rows: np.ndarray, message: str) -> None:
    path = save(tmp_path / "bad.csv", rows)
    with pytest.raises(ValueError, match=rf"bad\.csv: {message}"):
        ingest(path)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("rescale", "message"),
    [(np.r_[np.full(16, 1.1), np.ones(11)], "momentum is not conserved within 1e-06 of sqrt")],
    ids=["energies"],
)
def test_mixed_energies(tmp_path: Path, rescale: np.ndarray, message: str) -> None:
    rows = sample()
    rows[5] *= rescale
    with pytest.raises(ValueError, match=rf"event 6: {message}"):
        ingest(save(tmp_path / "bad.csv", rows))


def test_mixed_masses(tmp_path: Path) -> None:
    rows = sample()
    other, _ = rambo(1, 4, 3000.0, 650.0, torch.Generator().manual_seed(6))
    rows[2, :16] = other.numpy().ravel()
    with pytest.raises(ValueError, match=r"event 3: a gluino is off its mass shell of 607\.7137"):
        ingest(save(tmp_path / "bad.csv", rows))


BAD_TEXT: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "the file is empty"),
    "truncated": (lambda text: text[:-30], r"event 7: \d+ columns instead of 27"),
    "header": (lambda text: "a" + ",b" * 26 + "\n" + text, "event 1: a field is not a number"),
    "blank line": (lambda text: text.replace("\n", "\n\n", 1), "event 2: 0 columns"),
    "empty field": (lambda text: text.replace(",1,", ",,", 1), r"event \d: a field is not a"),
    "only blank lines": (lambda text: "\n\n", "event 1: the file has only blank lines"),
    "not a digit": (lambda text: text + "é" + ",1" * 26 + "\n", "event 8: a field is not a number"),
}


@pytest.mark.parametrize(("change", "message"), BAD_TEXT.values(), ids=list(BAD_TEXT))
def test_bad_text(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    path = save(tmp_path / "bad.csv", sample())
    path.write_text(change(path.read_text()), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"bad\.csv: {message}"):
        ingest(path)
    assert list((tmp_path / "out").iterdir()) == []


def test_bytes_that_are_not_text(tmp_path: Path) -> None:
    path = save(tmp_path / "bad.csv", sample())
    path.write_bytes(path.read_bytes() + b"\xff\xfe,1\n")
    with pytest.raises(ValueError, match=r"bad\.csv: event \d: .* a byte that is not text"):
        ingest(path)


def test_massless_gluinos(tmp_path: Path) -> None:
    rows = sample()
    momenta = rows[:, :16].reshape(-1, 4, 4)
    momenta[:, :, 0] = np.linalg.norm(momenta[:, :, 1:], axis=2) * (1 - 1e-12)
    with pytest.raises(ValueError, match=r"bad\.csv: event 1: the gluino mass must be positive"):
        ingest(save(tmp_path / "bad.csv", rows))


GOOD_TEXT: dict[str, Callable[[bytes], bytes]] = {
    "blank lines at the end": lambda content: content + b"\n \n",
    "no newline at the end": lambda content: content.rstrip(),
    "byte-order mark": lambda content: b"\xef\xbb\xbf" + content,
    "lines of Windows": lambda content: content.replace(b"\n", b"\r\n"),
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("block", [20_000, N_EVENTS], ids=["one block", "block of all events"])
@pytest.mark.parametrize("change", GOOD_TEXT.values(), ids=list(GOOD_TEXT))
def test_good_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes], block: int
) -> None:
    monkeypatch.setattr(gluino_csv, "BLOCK_EVENTS", block)
    path = save(tmp_path / "data.csv", sample())
    expected = ingest(path).momenta
    path.write_bytes(change(path.read_bytes()))
    np.testing.assert_array_equal(ingest(path).momenta, expected)


def test_repeated_events(tmp_path: Path) -> None:
    path = save(tmp_path / "bad.csv", sample()[[0, 1, 2, 3, 1, 4]])
    same = r"bad\.csv: event 5: it has the same momenta and labels as event 2 of .*bad\.csv; remove"
    with pytest.raises(ValueError, match=same):
        ingest(path)
    assert list((tmp_path / "out").iterdir()) == []


def test_file_of_the_other_process(tmp_path: Path) -> None:
    path = save(tmp_path / "data_2_gluino.csv", sample(2))
    with pytest.raises(ValueError, match="event 1: 8 columns instead of 27"):
        ingest(path)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"absent\.csv: no such file; correct the path"):
        ingest(tmp_path / "absent.csv")
