"""Generators may write any text around the events; only the events count."""

import tracemalloc
from pathlib import Path

import pytest
from lhe_texts import EVENTS, HEADER, PROCESS, document, events_text, init_text

from hepdensity.ingest.event_file import read_events
from hepdensity.ingest.lhe import ingest_lhe


def saved(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "file.lhe"
    path.write_bytes(content.encode("latin-1"))
    return path


def header(text: str) -> str:
    return f"<header>\n{text}\n</header>\n"


ACCEPTED = {
    "XML declaration": document(before='<?xml version="1.0" encoding="UTF-8"?>\n'),
    "byte-order mark": document(before="\xef\xbb\xbf"),
    "blank lines first": document(before="\n \n"),
    "comment before the root": document(before="<!-- note -->\n"),
    "no header": document(header=""),
    "empty header": document(header="<header/>\n"),
    "header with attributes": document(header='<header lang="en">\nx\n</header>\n'),
    "two comments before the header": document(header=f"<!-- a -->\n<!-- b -->\n{HEADER}"),
    "comment between header and init": document(header=f"{HEADER}<!-- seed <init> -->\n"),
    "two comments and no header": document(header="<!--\nfree -- text\n-->\n<!-- more -->\n"),
    "escape codes": document(header=header("\x1b[1;31mDEVELOPMENT VERSION\x1b[1;0m")),
    "mixed weight groups": document(
        header=header('<weightgroup name="a">\n<weightgroup name="b">\n</weightgroup> PDF')
    ),
    "weight group without a name": document(
        header=header("<initrwgt><weightgroup><weight>x</weight></weightgroup></initrwgt>")
    ),
    "Latin-1": document(header=header("J\xfcrgen in /home/l\xe4ufe")),
    "ampersand": document(header=header("# cuts & scales")),
    "less than": document(header=header("# keep if pt<20 GeV")),
    "zero byte in the header": document(header=header("a\0b")),
    "init tag in the header": document(header=header("<init>\n1 2 3\n</init>")),
    "entities in the header": document(header=header("<!ENTITY a 'b'>")),
    "line behind the end": document(after=" #Random number generator exit values: 1 2 3\n"),
    "comment behind the end": document(after="<!-- end <event> -->\n"),
    "text behind the end": document(after="\nfinished on Monday & closed\n"),
    "hash line in init": document(init=init_text(PROCESS, "# pdf: none\n", announced=1)),
    "blank line in init": document(init=init_text(PROCESS, "\n", announced=1)),
    "text in init": document(init=init_text(PROCESS, "free words\n", announced=1)),
    "markup in init": document(init=init_text(PROCESS, "pt < 20 & more\n", announced=1)),
    "tag in init": document(init=init_text(PROCESS, "<generator>x</generator>\n", announced=1)),
    "tag first in init": document(
        init=init_text(PROCESS).replace(
            "<init>\n", "<init>\n<generator version='1'>x</generator>\n"
        )
    ),
    "comment first in init": document(
        init=init_text(PROCESS).replace("<init>\n", "<init>\n<!-- 1 2\n3 -->\n\n")
    ),
    "init on one line with its tags": document(
        init=init_text(PROCESS).replace("<init>\n", "<init>").replace("\n</init>", "</init>")
    ),
}


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=list(ACCEPTED))
def test_accepted(tmp_path: Path, content: str) -> None:
    output = tmp_path / "events.h5"
    summary = ingest_lhe([saved(tmp_path, content)], output, "two_gluino", {})[0]
    events = read_events(output)
    assert (len(events), events.cross_section, events.cross_section_error) == (EVENTS, 2.0, 0.1)
    assert summary.cross_section.note is None


END_LINE = document().count("\n")
"""Number of the line of the end tag."""

REFUSED = {
    "two documents": (
        document() + document(events_text(3, 2)),
        r"after the end of the events \(</LesHouchesEvents>\), "
        f"line {END_LINE + 1}: another document or event begins with <LesHouchesEvents>; split",
    ),
    "event behind the end": (
        document(after="\n" + events_text(1, 2)),
        rf"after the end of the events .*, line {END_LINE + 2}: another .* begins with <event>",
    ),
    "comment without end behind the end": (
        document(after="<!--\n" + document()),
        f"line {END_LINE + 1}: a comment does not end",
    ),
    "no init": (
        document().replace("<init>", "<other>"),
        "line 11: there is no <init> block before <event>; generate the complete file again",
    ),
    "no init and no events": (
        document(events="").replace("<init>", "<other>"),
        "line 11: there is no <init> block before </LesHouchesEvents>",
    ),
    "header without end": (
        document(header="<header>\n"),
        "line 2: the header does not end: the file is truncated or damaged",
    ),
    "other root": (
        document().replace("LesHouchesEvents", "other"),
        "line 1: this is not an LHE file: it does not begin with <LesHouchesEvents>; give the path",
    ),
    "text": ("hello world\n", "line 1: this is not an LHE file"),
    "comment only": ("<!-- a -->\n", "line 2: this is not an LHE file"),
    "no beams": (
        document(init="<init>\n# nothing\n</init>\n"),
        "<init> block: the first line of <init> does not have the ten numbers for the beams; "
        "correct",
    ),
    "init without end": (
        document().replace("</init>", "x" * 2**21),
        r"line 7: the <init> block does not end",
    ),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused(tmp_path: Path, content: str, message: str) -> None:
    output = tmp_path / "out" / "events.h5"
    with pytest.raises(ValueError, match=rf"^[^:]*file\.lhe: {message}"):
        ingest_lhe([saved(tmp_path, content)], output, "two_gluino", {})
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize("line", ["x" * 99 + "\n", "<" * 99 + "\n"], ids=["text", "brackets"])
def test_long_header_takes_little_memory(tmp_path: Path, line: str) -> None:
    path = saved(tmp_path, document(header=header(line * 90_000)))
    assert path.stat().st_size > 9e6
    ingest_lhe([path], tmp_path / "events.h5", "two_gluino", {})
    tracemalloc.start()
    ingest_lhe([path], tmp_path / "events.h5", "two_gluino", {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6
