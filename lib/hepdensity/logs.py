"""Logging for scripts: messages on the console and in a plain file, and progress."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hepdensity.disk import is_disk_full, naming

FILE_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

logger = logging.getLogger(__name__)
_progress_logger = logging.getLogger(f"{__name__}.progress")


class Advance(Protocol):
    """Reports that `n` more units of work are done; `info` is shown next to the count."""

    def __call__(self, n: int = 1, **info: Any) -> None:
        """Report progress."""


class _Brief(logging.Formatter):
    """Omits the traceback, which is in the log file that Snakemake shows for a failed job."""

    def formatException(self, ei: Any) -> str:
        return ""


class _LogFile(logging.FileHandler):
    """A log file that reports a full disk once on the console, without repeated tracebacks."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(path, mode="w", encoding="utf-8")
        self._ended = False

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not is_disk_full(error):
            super().handleError(record)
        elif not self._ended:
            self._ended = True
            sys.stderr.write(f"{self.baseFilename}: the log ends here ({error})\n")


def configure(log_file: Path | str | None) -> None:
    """Send messages to the console and, with tracebacks, to a file.

    Warnings and uncaught exceptions go to both. Tracebacks go to the file only, and a full disk
    gives none. Calling this again replaces the earlier set-up.

    Args:
        log_file: plain-text log, or None to log to the console only.

    Raises:
        DiskFull: if there is not enough space for the log.
    """
    logging.basicConfig(level=logging.INFO, handlers=[_console_handler()], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_exception
    if log_file is None:
        return
    with naming(log_file):
        Path(log_file).parent.mkdir(parents=True, exist_ok=True)
        plain = _LogFile(log_file)
    plain.setFormatter(logging.Formatter(FILE_FORMAT))
    logging.getLogger().addHandler(plain)


@contextmanager
def progress(total: int | None, description: str, interval: float = 10.0) -> Iterator[Advance]:
    """Show the progress of a long job: a bar in a terminal, and occasional lines in the log.

    Args:
        total: total units of work, or None if unknown.
        description: name of the work, e.g. "training".
        interval: minimum time between two log lines [s].

    Yields:
        A function to call as `advance(n, loss=...)`.
    """
    start = last = time.monotonic()
    done = 0
    of_total = "" if total is None else f"/{total}"
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[info]}"),
        console=_console(),
        disable=not _console().is_terminal,
        transient=True,
    ) as bar:
        task = bar.add_task(description, total=total, info="")

        def advance(n: int = 1, **info: Any) -> None:
            nonlocal done, last
            done += n
            text = _describe(info)
            bar.update(task, advance=n, info=text)
            now = time.monotonic()
            if now - last >= interval:
                last = now
                spent = f"{now - start:.0f} s"
                _progress_logger.info("%s: %d%s, %s %s", description, done, of_total, spent, text)

        yield advance
    _progress_logger.info(
        "%s: %d%s done in %.1f s", description, done, of_total, time.monotonic() - start
    )


def _console() -> Console:
    return Console(stderr=True)


def _console_handler() -> logging.Handler:
    """Handler with colours in a terminal, and with plain unwrapped lines elsewhere."""
    handler: logging.Handler
    if _console().is_terminal:
        handler = RichHandler(console=_console(), show_path=False, log_time_format="%X")
        handler.setFormatter(_Brief("%(message)s"))
        handler.addFilter(lambda entry: entry.name != _progress_logger.name)
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(_Brief("%(asctime)s %(levelname)s %(message)s", datefmt="%X"))
    return handler


def _describe(info: dict[str, Any]) -> str:
    def text(value: Any) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    return " ".join(f"{name}={text(value)}" for name, value in info.items())


def _log_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    if is_disk_full(error):
        logger.critical("%s", error)
        return
    logger.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))
