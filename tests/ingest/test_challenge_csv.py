"""Challenge CSV files: variants are read alike, invalid lines are named, and nothing crashes."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from object_events import assert_same, random_events

from hepdensity.ingest import challenge_csv
from hepdensity.ingest.challenge_csv import read_challenge_csv, write_challenge_csv
from hepdensity.ingest.challenge_kernel import BLANK, CAREFUL, Parsed, parse_lines
from hepdensity.ingest.irregular import NO_MET, WEIGHT
from hepdensity.physics.objects import ObjectEvents, concatenated
from hepdensity.physics.selection import SHORTENED

FIRST = "17;ttbar;1;143207;-2.41133;b,190695,181440,0.30127,1.90412;e-,52804.7,44012.7,-0.622,0.75;"
SECOND = "2041;z_jets;0.5;1.186e+05;0.90113;j,93396.3,84200,0.45,-2.31;m-,96064.2,91302,0.811,0.7;"
LINES = f"{FIRST}\n{SECOND}\n"


def read(path: Path, **options: Any) -> ObjectEvents:
    return concatenated(list(read_challenge_csv(path, **options)))


def saved(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "events.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def single(values: list[float]) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_values(tmp_path: Path) -> None:
    events = read(saved(tmp_path, LINES))
    assert events.event_id.tolist() == [17, 2041]
    assert events.process.tolist() == ["ttbar", "z_jets"]
    assert events.weight.tolist() == [1, 0.5]
    assert events.met.tolist() == [143.207, 118.6]
    assert events.met_phi.tolist() == [-2.41133, 0.90113]
    assert events.type[:, :3].tolist() == [[2, 3, 0], [5, 1, 0]]
    np.testing.assert_array_equal(events.energy[0, :2], single([190.695, 52.8047]))
    np.testing.assert_array_equal(events.pt[1, :2], single([91.302, 84.2]))
    np.testing.assert_array_equal(events.eta[0, :2], single([0.30127, -0.622]))
    np.testing.assert_array_equal(events.phi[0, :2], single([1.90412, 0.75]))
    assert np.isnan(events.pt[0, 2:]).all() and np.isnan(events.phi[0, 2:]).all()


def test_file_order_is_not_the_order_of_pt(tmp_path: Path) -> None:
    """Jets stand before leptons in a file, however soft they are."""
    events = read(saved(tmp_path, SECOND))
    assert events.order[0, :3].tolist() == [1, 0, -1]
    assert events.type[0, :2].tolist() == [5, 1]
    assert (np.diff(events.pt[0, :2]) < 0).all()


VARIANTS: dict[str, Callable[[str], str | bytes]] = {
    "no last newline": lambda text: text[:-1],
    "no last semicolon": lambda text: text.replace(";\n", "\n"),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "byte-order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "mu- for m-": lambda text: text.replace("m-", "mu-"),
    "blank lines": lambda text: "\n" + text.replace("\n", "\n \n\n"),
    "spaces": lambda text: text.replace(";", " ; ").replace(",", ", "),
    "plus signs": lambda text: text.replace(";1", ";+1").replace(",0.", ",+0."),
    "large E": lambda text: text.replace("e+05", "E5"),
    "no leading zero": lambda text: text.replace("0.", "."),
    "many digits": lambda text: text.replace("143207", "143207.00000000000000000"),
    "no exponent": lambda text: text.replace("1.186e+05", "118600"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "two gzip parts": lambda text: (
        gzip.compress(text[:9].encode()) + gzip.compress(text[9:].encode())
    ),
    "bzip2": lambda text: bz2.compress(text.encode()),
    "xz": lambda text: lzma.compress(text.encode()),
    "another turn": lambda text: text.replace("-2.41133", repr(-2.41133 + 2 * np.pi)),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_variants(tmp_path: Path, variant: Callable[[str], str | bytes]) -> None:
    expected = read(saved(tmp_path, LINES))
    found = read(saved(tmp_path, variant(LINES)))
    np.testing.assert_allclose(found.met_phi, expected.met_phi, rtol=1e-12)
    fields = {**vars(found), "met_phi": expected.met_phi}
    assert_same(ObjectEvents(**fields), expected)


def test_other_names_of_objects(tmp_path: Path) -> None:
    objects = ["j", "b", "e-", "e+", "m-", "m+", "g", "a", "mu-", "mu+"]
    texts = [f"{label},100000,{90000 - i},0,0" for i, label in enumerate(objects)]
    events = read(saved(tmp_path, f"1;x;1;1000;0;{';'.join(texts)};"))
    assert events.type[0, :11].tolist() == [1, 2, 3, 4, 5, 6, 7, 7, 5, 6, 0]


def test_events_without_objects_and_names_of_processes(tmp_path: Path) -> None:
    events = read(saved(tmp_path, "1;;1;1000;0;\n-3;Z → νν;1;1000;0\n2;x;1;1000;0;\n"))
    assert events.process.tolist() == ["", "Z → νν", "x"]
    assert events.event_id.tolist() == [1, -3, 2]
    assert not events.present.any()


def test_many_names(tmp_path: Path) -> None:
    """More than the compiled reader remembers."""
    names = [f"p{i % 300}" for i in range(1000)]
    text = "".join(f"{i};{name};1;1000;0;\n" for i, name in enumerate(names))
    assert read(saved(tmp_path, text)).process.tolist() == names


def test_example_of_the_facts(shared_data: Path) -> None:
    path = shared_data.parent / "reference/darkmachines/example_events.csv"
    if not path.is_file():
        pytest.skip(f"no example at {path}")
    events = read(path)
    assert events.process.tolist()[3] == "gluino_1000.0_neutralino_1.0"
    assert events.order[0, :7].tolist() == [0, 1, 2, 4, 5, 3, -1]
    assert events.pt[2, 0] == np.float32(1187.31)
    assert events.weight.tolist() == [1, 1, 1, 0.000123]


@pytest.mark.parametrize("block", [1, 100, 301])
@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_blocks_and_chunks_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, chunk: int
) -> None:
    path = saved(tmp_path, (LINES + "\n") * 20)
    expected = read(path)
    longest = max(map(len, LINES.splitlines())) + 2
    monkeypatch.setattr(challenge_csv, "BLOCK_BYTES", max(block, longest) if block > 1 else longest)
    chunks = list(read_challenge_csv(path, chunk_events=chunk))
    assert max(map(len, chunks)) <= chunk
    assert_same(concatenated(chunks), expected)
    with pytest.raises(ValueError, match=r"line 62: the event number is 'x17'"):
        path.write_text((LINES + "\n") * 20 + f"{FIRST}\nx{FIRST}\n")
        read(path, chunk_events=chunk)


BAD = {
    "1;ttbar;1;143207": "there are 4 fields instead of 5 or more; each line must be eventID;",
    "1;143207;-2.41;j,190695,181440,0.3,1.9;": "there are 4 fields instead of 5",
    "x;ttbar;1;143207;1;": "the event number is 'x', not an integer",
    "1.5;ttbar;1;143207;1;": "the event number is '1.5', not an integer",
    "99999999999999999999;ttbar;1;143207;1;": "the event number '9{20}' is too large",
    "1;ttbar;one;143207;1;": "the weight is 'one', not a number",
    "1;ttbar;;143207;1;": "the weight is '', not a number",
    "1;ttbar;1;nan;1;": "MET is 'nan', not a finite number; remove the event",
    "1;ttbar;1;-143207;1;": r"MET is negative \('-143207'\)",
    "1;ttbar;1;143207;inf;": "METphi is 'inf', not a finite number",
    "1;ttbar;1;143207;180;": "METphi is '180', more than a turn; give angles in radians",
    "1;ttbar;1;1e300;1;": "MET is '1e300', which is too large",
    "1;ttbar;1;1_000;1;": "MET is '1_000', not a number",
    "1;ttbar;1;0x1F;1;": "MET is '0x1F', not a number",
    "1;ttbar;1;143207;1;tau,9,9,1,1;": "the name 'tau' of object 1 is unknown; use j, b, e-, e",
    "1;ttbar;1;143207;1;e,9,9,1,1;": "the name 'e' of object 1 is unknown",
    "1;ttbar;1;143207;1;j-,9,9,1,1;": "the name 'j-' of object 1 is unknown",
    "1;ttbar;1;143207;1;j,9,9,1,1;;": "object 2 has 1 values instead of 5",
    "1;ttbar;1;143207;1;;j,9,9,1,1;": "object 1 has 1 values instead of 5",
    "1;ttbar;1;143207;1;j,9,9,1,1;b,9,9,1;": "object 2 has 4 values instead of 5; each object",
    "1;ttbar;1;143207;1;b,9,9,1,1,1;": "object 1 has 6 values instead of 5",
    "1;ttbar;1;143207;1;b,9,,1,1;": "pT of object 1 is '', not a number",
    "1;ttbar;1;143207;1;b,9,pt,1,1;": "pT of object 1 is 'pt', not a number",
    "1;ttbar;1;143207;1;b,9,-9,1,1;": r"pT of object 1 is negative \('-9'\); remove the event",
    "1;ttbar;1;143207;1;b,9,0,1,1;": "pT of object 1 is 0; remove the event",
    "1;ttbar;1;143207;1;b,9,1e-40,1,1;": "pT of object 1 is 0; remove the event",
    "1;ttbar;1;143207;1;b,-1,9,1,1;": "E of object 1 is negative",
    "1;ttbar;1;143207;1;b,9,9,NaN,1;": "eta of object 1 is 'NaN', not a finite number",
    "1;ttbar;1;143207;1;b,9,9,1,-Infinity;": "phi of object 1 is '-Infinity', not a finite",
    "1;ttbar;1;143207;1;b,9,9,1,9;": "phi of object 1 is '9', more than a turn",
    "eventID;processID;weight;MET;METphi;": "the event number is 'eventID', not an integer",
    "1;tt\udcffbar;1;143207;1;": r"there are bytes that are not text \(invalid start byte\)",
    "1;ttbar;1;143207;1;" + "9" * 500: "object 1 has 1 values",
    "1;ttbar;1;" + "9" * 500 + ";1": "MET is '9{37}...', not a number",
}


@pytest.mark.parametrize(("line", "message"), BAD.items(), ids=range(len(BAD)))
def test_bad_lines(tmp_path: Path, line: str, message: str) -> None:
    content = f"{FIRST}\n\n{line}\n{SECOND}\n".encode(errors="surrogateescape")
    path = saved(tmp_path, content)
    with pytest.raises(ValueError, match=rf"events\.csv: line 3: {message}"):
        read(path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1;ttbar;1;0;1;j,9,9,1,1;", NO_MET),
        ("1;ttbar;1;-0.0;1;j,9,9,1,1;", NO_MET),
        ("1;ttbar;0;143207;1;j,9,9,1,1;", WEIGHT),
        ("1;ttbar;-1;0;1;j,9,9,1,1;", WEIGHT),
        ("1;ttbar;1;143207;1;" + 21 * "j,90000,90000,1,1;", SHORTENED),
        ("1;ttbar;1;143207;1; " + 21 * "j,90000,90000,1,1;", SHORTENED),
    ],
)
def test_irregular_events(
    tmp_path: Path, line: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = saved(tmp_path, f"{LINES}{line}\n")
    counts: Counter[str] = Counter()
    events = read(path, counts=counts, most_irregular=0.4)
    assert len(events) == (3 if reason == SHORTENED else 2)
    assert counts[reason] == 1 and counts["read"] == 3 and counts["kept"] == len(events)
    assert f"1 of 3 events are left out or shortened ({reason}: 1)" in caplog.text
    with pytest.raises(ValueError, match=r"events\.csv: 1 of 3 events .* fraction 0\.05; check"):
        read(path)


@pytest.mark.parametrize("space", ["", " "])
def test_of_many_objects_the_first_twenty_are_kept(tmp_path: Path, space: str) -> None:
    objects = [f"j,900000,{50000 + i},0,0" for i in range(20)] + ["g,900000,800000,0,0"]
    path = saved(tmp_path, f"1;x;1;1000;0;{space}{';'.join(objects)};")
    events = read(path, most_irregular=1)
    assert events.order[0].tolist() == list(range(19, -1, -1))
    assert set(events.type[0]) == {1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n \n", "there are no events"),
        (b"\xef\xbb\xbf", "there are no events"),
        (b"x" * 9_000_000, "line 1: the line is longer than 4194304 bytes"),
        (b"<!DOCTYPE html><html>", "this is a web page"),
        (gzip.compress(LINES.encode())[:-12], "line 1 or later: the compressed data are truncated"),
        (b"root\0\0\0\0", "this is a ROOT file"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=rf"events\.csv: {message}"):
        read(saved(tmp_path, content))


def test_truncated_after_many_lines(tmp_path: Path) -> None:
    path = saved(tmp_path, gzip.compress((LINES * 30_000).encode())[:-12])
    with pytest.raises(ValueError, match=r"csv: line [2-5]\d{4} or later: the compressed data are"):
        read(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.csv: no such file"):
        read(tmp_path / "none.csv")


def test_gev_instead_of_mev(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = saved(tmp_path, "1;x;1;143.2;0;j,190.7,181.4,0.3,1.9;\n")
    assert len(read(path)) == 1
    assert "largest pT in an event is 0.181 GeV, which is very small; are the numb" in caplog.text
    caplog.clear()
    read(saved(tmp_path, LINES))
    assert caplog.text == ""


def test_member_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "training_files.tar"
    with tarfile.open(path, "w") as archive:
        for name, text in {"chan1/a.csv": LINES, "chan2a/b.csv": FIRST, "c.csv": "x"}.items():
            info = tarfile.TarInfo(f"training_files/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    assert len(read(path, member="training_files/chan1/a.csv")) == 2
    assert len(read(path, member="b.csv")) == 1
    with pytest.raises(ValueError, match=r"files\.tar \(c\.csv\): line 1: there are 1 fields"):
        read(path, member="c.csv")


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz"])
def test_written_files_are_read_back(tmp_path: Path, name: str) -> None:
    events = random_events(200)
    path = tmp_path / name
    assert write_challenge_csv(path, [events[:50], events[50:]], digits=17) == 200
    found = read(path)
    for field in ("type", "order", "pt", "eta", "phi", "energy", "event_id", "weight", "process"):
        np.testing.assert_array_equal(getattr(found, field), getattr(events, field))
    np.testing.assert_allclose(found.met, events.met, rtol=1e-15)


def test_written_lines(tmp_path: Path) -> None:
    path = saved(tmp_path, LINES)
    events = read(path)
    write_challenge_csv(tmp_path / "again.csv", [events])
    assert (tmp_path / "again.csv").read_text() == LINES.replace("1.186e+05", "118600")
    write_challenge_csv(tmp_path / "a.csv.gz", [events])
    write_challenge_csv(tmp_path / "b.csv.gz", [events])
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def careful(data: np.ndarray, starts: np.ndarray) -> Parsed:
    """Leave every line to the careful reader."""
    parsed = parse_lines(data, starts)
    parsed.status[parsed.status != BLANK] = CAREFUL
    return Parsed(**{**vars(parsed), "names": parsed.names[:0]})


def outcome(path: Path) -> ObjectEvents | str:
    """The events of a file, or the message of the one error that may occur."""
    try:
        return read(path, most_irregular=1, chunk_events=3)
    except ValueError as error:
        # Only for events that are all left out, which leaves nothing to put together.
        return "nothing" if "concatenate" in str(error) else str(error)


def check(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    found = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(challenge_csv, "parse_lines", careful)
        again = outcome(path)
    if isinstance(found, str) or isinstance(again, str):
        assert isinstance(found, str) and found == again
        assert found == "nothing" or str(path) in found
        return
    assert_same(found, again)
    present = found.present
    for values in (found.met, found.met_phi, found.weight, found.pt[present], found.eta[present]):
        assert np.isfinite(values).all()
    assert (found.met > 0).all() and (found.pt[present] > 0).all()
    assert (np.abs(found.met_phi) <= np.pi).all()


PIECES = st.one_of(
    st.sampled_from([*";,+-.e0159 \n\r\tjbgam", "nan", "inf", "mu+", "e-", "1e5", FIRST, SECOND]),
    st.floats().map(repr),
    st.integers().map(str),
)
FUZZ = settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,  # the first example waits for the compiler
    suppress_health_check=list(HealthCheck),
)


@FUZZ
@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    check(tmp_path_factory.getbasetemp() / "fuzz.csv", content)


@FUZZ
@given(edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9), PIECES), max_size=4))
def test_damaged_lines(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int, str]]
) -> None:
    """Parts of valid lines are replaced by other text."""
    text = LINES * 2
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    check(tmp_path_factory.getbasetemp() / "fuzz.csv", text.encode())


@FUZZ
@given(
    values=st.lists(
        st.one_of(
            st.from_regex(r"[+-]?[0-9]{0,18}\.?[0-9]{0,18}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
            st.floats(1e-6, 1e9).map(lambda x: f"{x:.6g}"),
            st.floats(1e-6, 1e9).map(repr),
            st.decimals(0, 10**6, allow_nan=False, places=14).map(str),
        ),
        min_size=6,
        max_size=6,
    )
)
def test_numbers(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    """The compiled reader gives what Python's float gives, to the last bit."""
    weight, met, met_phi, energy, pt, eta = values
    text = f"1;x;{weight};{met};{met_phi};b,{energy},{pt},{eta},1.5;"
    check(tmp_path_factory.getbasetemp() / "fuzz.csv", text.encode())
