"""Checkouts that tests run the workflow in, and edits of their files."""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("workflow", "rules", "scripts", "lib", "envs", "config.yaml")
# Long enough to be killed in the middle, with a checkpoint at every validation.
TRAINING = {"max_steps": 400, "checkpoint_seconds": 0.001}
SHORT = {"max_steps": 20}
GRID: dict[str, Any] = {
    "angles": {"models": ["none", "stochastic", "sort"]},
    "multiplicity": {"models": ["dropout-balanced-sort"], "training": SHORT},
    "labels": {
        "models": ["argmax-flow-stochastic", "mixture-likelihood-sort", "phase-space-labels"],
        "training": SHORT,
    },
}
SMOKE = {"preset": "smoke", "training": TRAINING, "grid": GRID}


@dataclass(frozen=True)
class Checkout:
    """A checkout and the directory that it is run in."""

    root: Path
    directory: Path

    def command(self, *options: str, target: str | None = None, **config: Any) -> list[str]:
        """Command line of Snakemake; `config` comes on top of the smoke configuration."""
        words = [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor", *options]
        words += ["-s", str(self.root / "workflow/Snakefile"), "--directory", str(self.directory)]
        given = {**SMOKE, **config}
        words += ["--config", *(f"{key}={json.dumps(value)}" for key, value in given.items())]
        return [*words, "--", target] if target else words

    def run(self, *options: str, target: str | None = None, **config: Any) -> tuple[int, str]:
        """Exit status and all that Snakemake said."""
        command = self.command(*options, target=target, **config)
        done = subprocess.run(
            command, cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.returncode, done.stdout

    def plan(self, target: str | None = None, **config: Any) -> dict[str, int]:
        """Jobs that are to be done, per rule."""
        status, said = self.run("--dry-run", target=target, **config)
        assert status == 0, said[-5000:]
        table = said.partition("Job stats:")[2].partition("\n\n")[0]
        counts = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
        assert counts or "Nothing to be done" in said, said
        return {rule: n for rule, n in counts.items() if rule not in ("all", "total")}

    def rows(self, table: str) -> list[dict[str, str]]:
        """Contents of a results table."""
        with (self.directory / table).open(newline="") as file:
            return list(csv.DictReader(file))


def copy_checkout(root: Path) -> None:
    """Copy what the workflow consists of, compiled kernels included."""
    root.mkdir(parents=True)
    for part in PARTS:
        source = REPOSITORY / part
        copy: Callable[..., Any] = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, root / part)


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """The file with its first `old` replaced, for a while."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(text)


def appended(path: Path, line: str) -> Any:
    text = path.read_text()
    return edited(path, text, f"{text}\n{line}\n")
