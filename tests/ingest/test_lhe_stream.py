"""Broken, hostile and unreadable files give one error with file and place, and leave nothing."""

import gzip
from pathlib import Path

import pytest
from lhe_texts import END, EVENTS, document, events_text

from hepdensity.ingest import lhe_stream
from hepdensity.ingest.lhe import ingest_lhe
from hepdensity.ingest.lhe_stream import open_lhe

GOOD = document()
HEAD = document(events="").removesuffix(END)
FIRST = events_text(1)


def read_all(path: Path) -> int:
    with open_lhe(path) as stream:
        return sum(len(block) for block in iter(lambda: stream.read_block(2, id), []))


def saved(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "file.lhe"
    path.write_bytes(content.encode("latin-1") if isinstance(content, str) else content)
    return path


LINE_OF_EVENT = HEAD.count("\n") + 1
"""Number of the line where the first event begins."""

GOOD_FILES: dict[str, str | bytes] = {
    "plain": GOOD,
    "gzip": gzip.compress(GOOD.encode()),
    "gzip of two members": gzip.compress(GOOD[:600].encode()) + gzip.compress(GOOD[600:].encode()),
    "lines of Windows": GOOD.replace("\n", "\r\n"),
    "comment between events": f"{HEAD}<!-- note -->\n{events_text()}{END}\n\n",
    "extra blocks": GOOD.replace("</event>", "<mgrwt> 1 2 </mgrwt>\n# a comment\n</event>"),
    "Latin-1 in an event": GOOD.replace("</event>", "# J\xfcrgen\n</event>"),
    "attributes of events": GOOD.replace("<event>", '<event npLO="0" npNLO="-1">'),
    "long text between events": GOOD.replace("<event>", "<!-- " + 30_000 * "x" + " --><event>"),
}


@pytest.mark.parametrize("content", GOOD_FILES.values(), ids=list(GOOD_FILES))
def test_good_files(tmp_path: Path, content: str | bytes) -> None:
    path = saved(tmp_path, content)
    assert read_all(path) == EVENTS
    assert ingest_lhe([path], tmp_path / "out/events.h5", "two_gluino", {})[0].events == EVENTS


def test_blocks_and_count(tmp_path: Path) -> None:
    with open_lhe(saved(tmp_path, GOOD)) as stream:
        assert stream.init.processes == {1: (2.0, 0.1)}
        assert len(stream.read_block(2, id)) == 2
        assert stream.count == 2
        assert len(stream.read_block(2, id)) == 1
        assert stream.read_block(2, id) == []


PACKED = gzip.compress(GOOD.encode())
BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY l{i + 1} "{10 * f"&l{i};"}">' for i in range(9)).replace("&l0;", "&lol;")
    + "]>\n"
    + GOOD.replace("generate", "&l9;")
)
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "the file is empty; copy, download or generate it again"),
    "empty gzip": (gzip.compress(b""), "the file is empty; "),
    "truncated gzip": (PACKED[:-20], "(event .: )?the compressed data are truncated or damaged"),
    "gzip of two bytes": (PACKED[:2], "the compressed data are truncated or damaged"),
    "damaged gzip": (
        PACKED[:40] + bytes(20) + PACKED[60:],
        "(event .: )?the compressed data are truncated or damaged",
    ),
    "truncated inside event 3": (
        GOOD[:-80],
        "event 3: the file is truncated: it ends before </LesHouchesEvents>; copy, download or",
    ),
    "truncated inside the init block": (
        GOOD.split("</init>")[0],
        r"line 7: the <init> block does not end \(</init> is missing\); copy",
    ),
    "truncated inside a tag": (
        GOOD.replace("</init>\n", "</ini"),
        "line 7: the <init> block does not end",
    ),
    "closing tag missing": (GOOD.removesuffix(END), "event 4: the file is truncated"),
    "closing tag cut": (GOOD.removesuffix(">\n"), "event 4: the file is truncated"),
    "tags crossed": (
        GOOD.replace("</event>", "</evnt>", 1),
        f"event 1: invalid XML at line {LINE_OF_EVENT + 6}, column 3 .mismatched tag.; correct the",
    ),
    "ampersand in event 2": (
        HEAD + FIRST + events_text(1, 2).replace("0.118", "0.118 & more") + END,
        f"event 2: invalid XML at line {LINE_OF_EVENT + 8}, column 20 .not well-formed",
    ),
    "undefined entity": (GOOD.replace("0.118", "&lol;"), "event 1: invalid XML at .*undefined"),
    "empty event": (HEAD + "<event></event>\n" + END, "event 1: a line cannot be read .*no text"),
    "blank event": (HEAD + "<event>\n</event>\n" + END, "event 1: a line has too few columns"),
    "zero byte": (
        GOOD.replace("</event>\n<event>", "</event>\n\0<event>", 1),
        f"line {LINE_OF_EVENT + 7}: a zero byte: the file is damaged or not plain text; copy",
    ),
    "billion laughs": (BOMB, "line 2: DOCTYPE declarations are not allowed in LHE files; remove"),
    "entity in the middle": (
        HEAD + FIRST + '<!ENTITY a "b">' + events_text(1, 2) + END,
        f"line {LINE_OF_EVENT + 7}: ENTITY declarations are not allowed",
    ),
    "external entity": (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + GOOD,
        "line 1: DOCTYPE declarations are not allowed",
    ),
    "entity behind the header": (
        document(header="<header/><!ENTITY a 'b'>"),
        "line 2: ENTITY declarations are not allowed",
    ),
    "bomb in UTF-16": (BOMB.encode("utf-16"), "this is UTF-16 text; unpack it with `iconv"),
    "bomb in EBCDIC": (
        b"<?xml version='1.0' encoding='cp037'?>" + BOMB.encode("cp037"),
        "line 1: this is not an LHE file",
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=list(BROKEN))
def test_broken_files(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = saved(tmp_path, content)
    output = tmp_path / "out" / "events.h5"
    with pytest.raises(ValueError, match=rf"^[^:]*file\.lhe: {message}") as caught:
        ingest_lhe([path], output, "two_gluino", {})
    assert "\n" not in str(caught.value) and "; " in str(caught.value)
    assert list(output.parent.iterdir()) == []


def test_every_truncation_is_found(tmp_path: Path) -> None:
    content = document(events=events_text(1)).rstrip()
    for size in range(1, len(content)):
        with pytest.raises(ValueError, match=r"truncated|does not end|not an LHE file"):
            read_all(saved(tmp_path, content[:size]))


def test_events_before_a_fault_are_checked_first(tmp_path: Path) -> None:
    two = events_text(2, 2)
    content = HEAD + events_text(1).replace(" 0.118", " 0") + two.replace("</event>", "</x>") + END
    with pytest.raises(ValueError, match="event 1: alpha_s"):
        ingest_lhe([saved(tmp_path, content)], tmp_path / "events.h5", "two_gluino", {})


@pytest.mark.parametrize("shift", range(0, 24, 2))
@pytest.mark.parametrize("where", ["before the root", "among the events"])
def test_declaration_across_two_reads_is_found(tmp_path: Path, shift: int, where: str) -> None:
    """The file is read 16 KiB at a time."""
    text = f"<!ENTITY a 'b'>\n{GOOD}" if where == "before the root" else f"{HEAD}<!ENTITY a 'b'>"
    padding = " " * (2**14 - shift - (0 if where == "before the root" else len(HEAD)))
    content = padding + text if where == "before the root" else text.replace("<!E", padding + "<!E")
    with pytest.raises(ValueError, match="ENTITY declarations"):
        read_all(saved(tmp_path, content))


@pytest.mark.parametrize("shift", range(0, 30, 3))
def test_tags_across_two_reads_are_found(tmp_path: Path, shift: int) -> None:
    """The init block and a second document are found wherever a read ends."""
    for before in ("<header>", "<header><init>\n</header>", "<!--"):
        end = "-->" if before == "<!--" else "</header>"
        padding = " " * (2**14 - shift - len(before) - 36)
        assert read_all(saved(tmp_path, document(header=before + padding + end))) == EVENTS
    after = " " * (2**14 - shift - len(GOOD) % 2**14) + GOOD
    with pytest.raises(ValueError, match="after the end of the events"):
        read_all(saved(tmp_path, GOOD + after))


@pytest.mark.parametrize(
    "filler", ["<a/>", "x", "<!-- a -->"], ids=["elements", "text", "comments"]
)
def test_endless_events_are_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filler: str
) -> None:
    monkeypatch.setattr(lhe_stream, "MAX_BYTES_BETWEEN_EVENTS", 40_000)
    content = HEAD + events_text(1) + "<event>\n" + filler * 10_000
    with pytest.raises(ValueError, match="event 2: more than 40000 bytes without the end"):
        read_all(saved(tmp_path, content + "x" * 40_000))
