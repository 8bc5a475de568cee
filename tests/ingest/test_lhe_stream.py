"""Broken, hostile, unreadable files end in one error that names file and event; nothing stays."""

import gzip
from pathlib import Path

import pytest

from hepdensity.ingest import lhe_stream
from hepdensity.ingest.lhe import ingest_lhe
from hepdensity.ingest.lhe_stream import open_lhe

EVENT = """<event>
4 1 1 -1 -1 0.118
21 -1 0 0 501 502 0 0 1500 1500 0 0 1
21 -1 0 0 503 501 0 0 -1500 1500 0 0 1
1000021 1 1 2 503 504 1200 0 0 1500 900 0 1
1000021 1 1 2 504 502 -1200 0 0 1500 900 0 -1
</event>
"""
HEAD = """<LesHouchesEvents version="3.0">
<header>
<note>x</note>
</header>
<init>
21 21 1500 1500 0 0 0 0 3 1
2 0.1 1 1
</init>
"""
END = "</LesHouchesEvents>\n"
GOOD = HEAD + 3 * EVENT + END


def read_all(path: Path) -> int:
    with open_lhe(path) as stream:
        return sum(1 for _ in stream.read_block(10**6))


def saved(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "file.lhe"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [GOOD, gzip.compress(GOOD.encode()), f"<?xml version='1.0' encoding='UTF-8'?>\n{GOOD}",
     gzip.compress(GOOD[:600].encode()) + gzip.compress(GOOD[600:].encode()),
     f"{HEAD}<!-- note -->\n{EVENT}{END}\n\n",
     HEAD + EVENT.replace("</event>", "<mgrwt> 1 2 </mgrwt>\n# a comment\n</event>") + END],
    ids=["plain", "gzip", "xml declaration", "gzip of two members", "comment", "extra blocks"],
)  # fmt: skip
def test_good_files(tmp_path: Path, content: str | bytes) -> None:
    assert read_all(saved(tmp_path, content)) in (1, 3)


def test_blocks_and_count(tmp_path: Path) -> None:
    with open_lhe(saved(tmp_path, GOOD)) as stream:
        assert stream.init.procInfo[0].xSection == 2.0
        assert len(list(stream.read_block(2))) == 2
        assert stream.count == 2
        assert len(list(stream.read_block(2))) == 1


PACKED = gzip.compress(GOOD.encode())
BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY l{i + 1} "{10 * f"&l{i};"}">' for i in range(9)).replace("&l0;", "&lol;")
    + "]>\n"
    + GOOD.replace("<note>x", "<note>&l9;")
)
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "event 1: the file is empty"),
    "empty gzip": (gzip.compress(b""), "event 1: .*"),
    "truncated gzip": (PACKED[:-20], r"event \d: the compressed data are truncated or damaged"),
    "gzip of two bytes": (PACKED[:2], "event 1: the compressed data are truncated"),
    "damaged gzip": (
        PACKED[:40] + bytes(20) + PACKED[60:],
        r"event \d: the compressed data are truncated or damaged",
    ),
    "truncated inside event 3": (GOOD[:-80], "event 3: the file is truncated"),
    "truncated inside a tag": (GOOD.replace("</init>\n", "</ini"), "event 1: .*"),
    "closing tag missing": (GOOD.removesuffix(END), "event 4: the file is truncated"),
    "tags crossed": (GOOD.replace("</event>", "</evnt>", 1), "event 1: mismatched tag"),
    "no init": (HEAD.split("<init>")[0] + EVENT + END, "event 1: No <init> block found"),
    "other root": (GOOD.replace("LesHouchesEvents", "html"), "event 1: Root element is not"),
    "empty event": (GOOD.replace(EVENT, "<event></event>\n", 1), "event 1: .*block has no text"),
    "two files joined": (GOOD + GOOD, "event 4: something follows the closing tag"),
    "plain text": ("hello world\n", "event 1: syntax error"),
    "billion laughs": (BOMB, "event 1: DOCTYPE and ENTITY declarations are not allowed"),
    "entity in the middle": (
        GOOD.replace(EVENT, EVENT + '<!ENTITY a "b">', 1),
        r"event \d: DOCTYPE and ENTITY declarations are not allowed",
    ),
    "external entity": (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + GOOD,
        "event 1: DOCTYPE and ENTITY declarations are not allowed",
    ),
    "bomb in UTF-16": (BOMB.encode("utf-16"), "event 1: the file is not plain text"),
    "bomb in EBCDIC": (
        b"<?xml version='1.0' encoding='cp037'?>" + BOMB.encode("cp037"),
        "event 1: encoding 'cp037' is not supported",
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=list(BROKEN))
def test_broken_files(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=rf"file\.lhe: {message}") as caught:
        read_all(saved(tmp_path, content))
    assert str(caught.value).endswith("copy or write the file anew")


def test_good_file_is_ingested(tmp_path: Path) -> None:
    summary = ingest_lhe([saved(tmp_path, GOOD)], tmp_path / "out/events.h5", "two_gluino", {})
    assert summary[0].events == 3


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=list(BROKEN))
def test_broken_files_leave_nothing(tmp_path: Path, content: str | bytes, message: str) -> None:
    output = tmp_path / "out" / "events.h5"
    with pytest.raises(ValueError, match=rf"file\.lhe: {message}"):
        ingest_lhe([saved(tmp_path, content)], output, "two_gluino", {})
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize("shift", range(12))
def test_declaration_across_two_reads_is_found(tmp_path: Path, shift: int) -> None:
    """iterparse reads 16 KiB at a time."""
    content = " " * (2**14 - shift) + f"<!DOCTYPE a []>\n{GOOD}"
    with pytest.raises(ValueError, match="DOCTYPE and ENTITY"):
        read_all(saved(tmp_path, content))


@pytest.mark.parametrize(
    "filler", ["<a/>", "x", "<!-- a -->"], ids=["elements", "text", "comments"]
)
def test_endless_events_are_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filler: str
) -> None:
    monkeypatch.setattr(lhe_stream, "MAX_BYTES_BETWEEN_EVENTS", 40_000)
    content = HEAD + EVENT + "<event>\n" + filler * 10_000
    with pytest.raises(ValueError, match="event 2: more than 40000 bytes without the end"):
        read_all(saved(tmp_path, content + "x" * 40_000))
