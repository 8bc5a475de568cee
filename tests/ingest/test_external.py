"""A user's command that makes an event file: taken, or refused with one clear message."""

import logging
import os
from pathlib import Path

import pytest

from hepdensity.ingest.external import run_command


def test_the_file_that_a_script_makes_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = tmp_path / "generator with spaces.sh"
    script.write_text('echo "events: $1"; echo data > "$2"; echo done >&2\n')
    with caplog.at_level(logging.INFO):
        run_command(f"bash '{script}' 5 {{output}}", tmp_path / "out dir" / "z.root")
    assert (tmp_path / "out dir" / "z.root").read_text() == "data\n"
    assert "events: 5" in caplog.text
    assert "done" in caplog.text


def test_the_command_sees_a_new_file_of_the_same_kind_and_keeps_its_braces(tmp_path: Path) -> None:
    out = tmp_path / "z.hepmc"
    run_command('test ! -e {output}; x=1; echo "${x}" {output} | tee {output} >/dev/null', out)
    number, name = out.read_text().split()
    assert number == "1"
    assert name.endswith(".z.hepmc")


def test_a_file_at_a_place_of_its_own_is_copied(tmp_path: Path) -> None:
    made = tmp_path / "Events" / "run.root"
    command = f"mkdir -p {made.parent}; echo 7 > {made}"
    run_command(command, tmp_path / "z.root", makes=str(made))
    assert (tmp_path / "z.root").read_text() == "7\n"
    assert made.exists()


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("echo half > {output}; echo no beam; exit 3", "exit status 3; it said last: no beam"),
        ("echo half > {output}; false; true", "exit status 1; it said last: nothing"),
        ("false | tee {output}", "exit status 1"),
        ("no-such-program {output}", "exit status 127; .*not found"),
        ("true # {output}", "it ended without making"),
        (": > {output}", "the file that it made is empty"),
        ("echo 1", "cannot tell what it makes"),
    ],
)
def test_failures_leave_nothing(tmp_path: Path, command: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as error:
        run_command(command, tmp_path / "z.root")
    assert command in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_is_not_taken(tmp_path: Path) -> None:
    made = tmp_path / "run.root"
    with pytest.raises(ValueError, match="there is no file at"):
        run_command("true", tmp_path / "z.root", makes=str(made))
    made.write_text("old")
    os.utime(made, (1, 1))
    with pytest.raises(ValueError, match="there is an older file at"):
        run_command("true", tmp_path / "z.root", makes=str(made))
    assert not (tmp_path / "z.root").exists()
