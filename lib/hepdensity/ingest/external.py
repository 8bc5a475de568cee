"""Run a user's command that makes an event file, such as `DelphesPythia8` or `mg5_aMC`."""

from __future__ import annotations

import logging
import shlex
import shutil
import subprocess
import time
from collections import deque
from pathlib import Path

from hepdensity.files import atomic_path, expanded

logger = logging.getLogger(__name__)

PLACE = "{output}"
"""What stands in a command for the path of the file that it must make."""

_TOLD_LINES = 5


def run_command(command: str, output: str | Path, makes: str | None = None) -> None:
    """Run a command in bash, in the working directory, and take the file that it makes.

    What it prints goes to the log. A file that the command leaves behind when it fails is removed.

    Args:
        command: The command. `{output}` in it stands for the path of the file, which ends like
            `output` and does not exist; other braces have no meaning.
        output: The final file.
        makes: File that the command makes if it cannot be told where to write; it is copied.

    Raises:
        ValueError: If the command names no file, fails, or makes no file or an empty one.
        DiskFull: If there is not enough space.
    """
    if (PLACE in command) == (makes is not None):
        either = f"name the file that it makes, by {PLACE} in the command or by `makes`"
        raise ValueError(f"{command}: cannot tell what it makes; {either}, but not both")
    with atomic_path(output) as temporary:
        start = time.time()
        _run(command, command.replace(PLACE, shlex.quote(str(temporary.absolute()))))
        if makes is not None:
            _take(command, expanded(makes), temporary, start)
        elif not temporary.is_file():
            problem = f"it ended without making {PLACE}"
            raise _error(command, problem, "correct the command so that it writes this file")
        if temporary.stat().st_size == 0:
            raise _error(command, "the file that it made is empty", "see its messages in the log")


def _run(command: str, expanded_command: str) -> None:
    """Run it; every line that it prints is logged."""
    last: deque[str] = deque(maxlen=_TOLD_LINES)
    with subprocess.Popen(
        ["bash", "-e", "-o", "pipefail", "-c", expanded_command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            logger.info("%s", line.rstrip())
            last.append(line.strip())
    if process.returncode != 0:
        told = " / ".join(filter(None, last)) or "nothing"
        problem = f"it failed with exit status {process.returncode}; it said last: {told}"
        raise _error(command, problem, "correct the command; the log has all that it printed")


def _take(command: str, made: Path, temporary: Path, start: float) -> None:
    # File systems may keep whole seconds only.
    if not made.is_file() or made.stat().st_mtime < int(start):
        state = "an older file" if made.is_file() else "no file"
        problem = f"it ended, but there is {state} at {made}"
        raise _error(command, problem, "correct `makes` or the command")
    shutil.copyfile(made, temporary)


def _error(command: str, problem: str, remedy: str) -> ValueError:
    return ValueError(f"command '{command}': {problem}; {remedy}")
