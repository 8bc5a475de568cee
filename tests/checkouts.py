"""Copies of the checkout in which tests run the workflow, and edits of their files."""

import atexit
import csv
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hepdensity.configuration import overlay

REPOSITORY = Path(__file__).resolve().parents[1]
TOY = REPOSITORY / "tests" / "toy_study"
SNAKEMAKE = (sys.executable, "-m", "snakemake")
PARTS = ("workflow", "rules", "scripts", "lib", "envs", "config.yaml")
# Long enough to be killed in the middle, with a checkpoint at every validation.
TRAINING = {"max_steps": 400, "checkpoint_seconds": 0.001}
SHORT = {"max_steps": 20}
DATASETS: dict[str, Any] = {
    "angles": {"models": ["none", "stochastic", "sort"]},
    "multiplicity": {"models": ["dropout-balanced-sort"], "training": SHORT},
    "labels": {
        "models": ["argmax-flow-stochastic", "mixture-likelihood-sort", "phase-space-labels"],
        "training": SHORT,
    },
}
SMOKE = {
    "preset": "smoke",
    "studies": ["gluino"],
    "training": TRAINING,
    "gluino": {"datasets": DATASETS},
}


@cache
def server() -> subprocess.Popen[str]:
    """A process that runs Snakemake on request, one for all tests."""
    process = subprocess.Popen(
        [sys.executable, REPOSITORY / "tests" / "snakemake_server.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.terminate)
    return process


def ask_server(request: Mapping[str, Any]) -> int:
    """Exit status of a run of Snakemake."""
    process = server()
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@dataclass(frozen=True)
class Checkout:
    """A checkout, the directory in which it runs, and its configuration."""

    root: Path
    directory: Path
    given: Mapping[str, Any] = field(default_factory=lambda: SMOKE)

    def command(
        self, *options: str, target: str | Sequence[str] | None = None, **config: Any
    ) -> list[str]:
        """Command line of Snakemake; `config` overrides the configuration of the checkout."""
        words = [*SNAKEMAKE, "--cores", "2", "--nocolor", *options]
        words += ["-s", str(self.root / "workflow/Snakefile"), "--directory", str(self.directory)]
        given = overlay(self.given, config)
        words += ["--config", *(f"{key}={json.dumps(value)}" for key, value in given.items())]
        targets = [target] if isinstance(target, str) else list(target or ())
        return [*words, "--", *targets] if targets else words

    def run(
        self, *options: str, target: str | Sequence[str] | None = None, **config: Any
    ) -> tuple[int, str]:
        """Exit status and output of Snakemake."""
        command = self.command(*options, target=target, **config)
        with tempfile.NamedTemporaryFile() as output:
            request = {
                "options": command[len(SNAKEMAKE) :],
                "directory": str(self.directory),
                "output": output.name,
            }
            return ask_server(request), Path(output.name).read_text()

    def plan(self, target: str | Sequence[str] | None = None, **config: Any) -> dict[str, int]:
        """Number of planned jobs per rule."""
        status, said = self.run("--dry-run", target=target, **config)
        assert status == 0, said[-5000:]
        table = said.partition("Job stats:")[2].partition("\n\n")[0]
        counts = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
        assert counts or "Nothing to be done" in said, said
        return {rule: n for rule, n in counts.items() if rule not in ("all", "total")}

    def results(self, path: str = "", study: str = "gluino") -> Path:
        """A file or folder of the results of the smoke preset."""
        return self.directory / "results" / "smoke" / study / path

    def rows(self, table: str, study: str = "gluino") -> list[dict[str, str]]:
        """Contents of a results table."""
        with self.results(f"tables/{table}.csv", study).open(newline="") as file:
            return list(csv.DictReader(file))


def plot_rules(*studies: str) -> set[str]:
    """Names of the rules that draw figures: those of some studies, and the shared ones."""
    rules = REPOSITORY / "rules"
    files = [*rules.glob("*.smk"), *(path for one in studies for path in (rules / one).glob("*"))]
    text = "".join(path.read_text() for path in files)
    return set(re.findall(r"^use rule \w+ as (plot_\w+) with:", text, re.M))


def copy_checkout(root: Path) -> None:
    """Copy the files of the workflow, including compiled kernels."""
    root.mkdir(parents=True)
    for part in PARTS:
        source = REPOSITORY / part
        copy: Callable[..., Any] = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, root / part)


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """Temporarily replace the first `old` in a file."""
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


def add_toy(root: Path) -> list[Path]:
    """Add the files of the toy study to a checkout; none of them may exist already."""
    added = []
    for path in (
        path for path in TOY.rglob("*") if path.suffix in (".py", ".smk", ".yaml", ".rst")
    ):
        target = root / path.relative_to(TOY)
        assert not target.exists(), f"{target} is a shared file"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
        added.append(target)
    return added
