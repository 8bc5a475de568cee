"""Only processes that occur among the events count in the cross-section."""

import logging
import re
from pathlib import Path

import pytest
from lhe_texts import PROCESS, document, events_text, init_text

from hepdensity.ingest.event_file import read_events
from hepdensity.ingest.lhe import ingest_lhe
from hepdensity.ingest.lhe_init import cross_section_of, parse_init

TWO = ("1 0.3 1 1\n", "2 0.4 1 2\n")
BOTH = events_text(2, 1, process_id=1) + events_text(2, 2, process_id=2)


def parsed(init: str) -> bytes:
    return init.removeprefix("<init>").removesuffix("</init>\n").encode()


KNOWN = {
    "one process": (init_text(PROCESS), {1}, (2.0, 0.1), None),
    "both": (init_text(*TWO), {1, 2}, (3.0, 0.5), None),
    "tag on the last line": (
        init_text(*TWO).replace("\n</init>", "</init>"), {1, 2}, (3.0, 0.5), None,
    ),
    "one of two": (init_text(*TWO), {2}, (2.0, 0.4), "also lists process 1, but there are no"),
    "no error given": (init_text("2 0 1 1\n"), {1}, (2.0, 0.0), None),
}  # fmt: skip


@pytest.mark.parametrize(("init", "ids", "expected", "note"), KNOWN.values(), ids=list(KNOWN))
def test_known(init: str, ids: set[int], expected: tuple[float, float], note: str | None) -> None:
    found = cross_section_of(parse_init(parsed(init)), ids)
    assert (found.value, found.error) == pytest.approx(expected)
    assert found.note is None if note is None else note in str(found.note)


UNKNOWN = {
    "too few lines": (init_text(PROCESS, announced=3), {1}, "announces 3 processes but lists 1"),
    "too many lines": (init_text(*TWO, announced=1), {1}, "announces 1 processes but lists 2"),
    "none": (init_text(), {1}, "<init> does not list process 1, but there are events"),
    "another process": (
        init_text(PROCESS),
        {1, 7},
        "<init> does not list process 7, but there are events",
    ),
    "the same id twice": (init_text(PROCESS, PROCESS), {1}, r"a process id \(LPRUP\) twice"),
    "zero": (init_text("0 0 1 1\n"), {1}, r"<init> gives 0 \+- 0 pb"),
    "not a number": (init_text("nan 0 1 1\n"), {1}, "<init> gives nan"),
    "negative error": (init_text("2 -1 1 1\n"), {1}, r"<init> gives 2 \+- 1 pb"),
    "infinite id": (init_text("2 0.1 1 inf\n"), {1}, "announces 1 processes but lists 0"),
}


@pytest.mark.parametrize(("init", "ids", "note"), UNKNOWN.values(), ids=list(UNKNOWN))
def test_unknown(init: str, ids: set[int], note: str) -> None:
    found = cross_section_of(parse_init(parsed(init)), ids)
    assert (found.value, found.error) == (None, None)
    assert re.match(f"the cross-section is unknown: .*{note}", str(found.note))


@pytest.mark.parametrize(
    ("init", "events", "expected", "warning"),
    [
        (init_text(*TWO), BOTH, 3.0, ""),
        (init_text(*TWO), events_text(3), 1.0, "file.lhe: the cross-section is that of process 1"),
        (init_text(*TWO, announced=3), BOTH, None, "file.lhe: the cross-section is unknown"),
    ],
    ids=["both", "one of two", "unknown"],
)
def test_event_file(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    init: str,
    events: str,
    expected: float | None,
    warning: str,
) -> None:
    path = tmp_path / "file.lhe"
    path.write_text(document(events, init))
    with caplog.at_level(logging.WARNING):
        ingest_lhe([path], tmp_path / "events.h5", "two_gluino", {})
    assert read_events(tmp_path / "events.h5").cross_section == expected
    assert warning in caplog.text and bool(caplog.records) == bool(warning)
