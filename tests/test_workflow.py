"""The workflow as a whole, run by Snakemake on the smoke preset.

One run from events to figures, in a copy of the checkout and with a results tree of its own, serves
all tests; most of them then ask, by dry runs, what an edit would make run again.
"""

import csv
import gzip
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hepdensity.colour_order import order_to_positions
from hepdensity.events import Events
from hepdensity.io import read_events

pytestmark = pytest.mark.workflow

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("workflow", "rules", "scripts", "lib", "envs", "config.yaml")
# Long enough to be killed in the middle, with a checkpoint at every validation.
TRAINING = {"max_steps": 400, "checkpoint_seconds": 0.001}
SMOKE = {"preset": "smoke", "training": TRAINING}
FIGURES = (
    "fig03_gluino_energy",
    "fig04_digluino_mass",
    "fig05_log_likelihood",
    "training_curves_gluino",
)
FIG05 = "results/tables/fig05_log_likelihood.csv"
TRUTH = "results/tables/truth_gluino.csv"
NONE = "results/models/gluino/none/n1000/seed1"
FIG05_COLUMNS = [
    *("model", "n_train", "seed"),
    *("log_likelihood", "log_likelihood_error"),
    *("log_likelihood_exact", "log_likelihood_exact_error"),
    *("log_likelihood_truth", "log_likelihood_truth_error"),
    *("kl_to_truth", "kl_to_truth_error"),
    *("unphysical_fraction", "steps", "ended_by", "train_seconds", "parameters"),
]
PLOTS = {"plot_gluino_energy", "plot_digluino_mass", "plot_log_likelihood", "plot_training_curves"}
AFTER_SAMPLES = {
    "evaluate_log_likelihood",
    "plot_gluino_energy",
    "plot_digluino_mass",
    "plot_log_likelihood",
}
AFTER_TRAINING = AFTER_SAMPLES | {"generate_samples", "evaluate_likelihood", "plot_training_curves"}


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


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """This checkout, in an empty directory."""
    return Checkout(REPOSITORY, tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout after a run from events to figures. Leave it as it is."""
    base = tmp_path_factory.mktemp("smoke")
    copy_checkout(base / "checkout")
    (base / "run").mkdir()
    checkout = Checkout(base / "checkout", base / "run")
    status, said = checkout.run()
    assert status == 0, said[-5000:]
    return checkout


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


# ------------------------------------------------------------------- before anything has run


def test_lint(fresh: Checkout) -> None:
    status, said = fresh.run("--lint")
    assert status == 0, said[-5000:]


@pytest.mark.parametrize(
    ("preset", "trainings"), [("smoke", 3), ("quick", 12), ("study", 6), ("paper", 54)]
)
def test_presets_pass_a_dry_run(fresh: Checkout, preset: str, trainings: int) -> None:
    plan = fresh.plan(preset=preset)
    assert plan["train_model"] == plan["evaluate_likelihood"] == trainings
    assert plan["ingest_lhe"] == 2
    assert set(plan) >= PLOTS


@pytest.mark.parametrize(
    "profile",
    [("--workflow-profile", "slurm"), ("--profile", str(REPOSITORY / "workflow/profiles/slurm"))],
    ids=lambda words: words[0],
)
def test_slurm_profile_passes_a_dry_run(fresh: Checkout, profile: tuple[str, str]) -> None:
    status, said = fresh.run(*profile, "--dry-run", preset="paper")
    assert status == 0, said[-5000:]


def test_slurm_profile_gives_resources_to_rules_that_exist() -> None:
    profile = yaml.safe_load((REPOSITORY / "workflow/profiles/slurm/config.yaml").read_text())
    rules = {path.stem for path in (REPOSITORY / "scripts").glob("*.py")}
    assert set(profile["set-resources"]) | set(profile["set-threads"]) <= rules
    assert profile["set-resources"]["train_model"]["gpu"] == 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"banana": 1}, "banana: unknown key; Allowed here: preset, gluino, models"),
        ({"training": {"batchsize": 5}}, "training.batchsize: unknown key; did you mean"),
        ({"flow": {"bins": "many"}}, "flow.bins: must be a whole number [bins], not 'many'"),
        ({"gluino": {"source": "lhe"}}, "gluino.lhe.four_gluino: no file given"),
    ],
    ids=["unknown key", "misspelt key", "wrong type", "missing files"],
)
def test_bad_configuration_is_one_clear_message(
    fresh: Checkout, config: dict[str, Any], message: str
) -> None:
    status, said = fresh.run(**config)
    assert status != 0
    assert f"Configuration error: {message}" in said
    assert "Traceback" not in said
    assert not (fresh.directory / "results").exists()


# ------------------------------------------------------------------- from events to figures


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_both_formats_and_its_numbers(smoke: Checkout, name: str) -> None:
    results = smoke.directory / "results"
    assert (results / f"figures/{name}.pdf").read_bytes().startswith(b"%PDF")
    assert (results / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    assert smoke.rows(f"results/tables/{name}.csv")


def test_table_of_log_likelihoods(smoke: Checkout) -> None:
    rows = smoke.rows(FIG05)
    assert list(rows[0]) == FIG05_COLUMNS
    assert {row["model"] for row in rows} == {"none", "stochastic", "sort", "none-symmetrised"}
    assert all(row["ended_by"] == "steps" and int(row["steps"]) == 400 for row in rows)


def test_table_of_events(smoke: Checkout) -> None:
    rows = smoke.rows("results/tables/events_gluino.csv")
    assert [(row["process"], int(row["events"])) for row in rows] == [
        ("four_gluino", 2600),
        ("two_gluino", 500),
    ]


def test_every_job_leaves_log_and_benchmark(smoke: Checkout) -> None:
    def jobs(folder: str) -> set[Path]:
        base = smoke.directory / "results" / folder
        return {path.relative_to(base).with_suffix("") for path in base.rglob("*.*")}

    assert jobs("logs") == jobs("benchmarks")
    assert len(jobs("logs")) == 23


def test_second_run_has_nothing_to_do(smoke: Checkout) -> None:
    assert smoke.plan() == {}


def test_report_is_built_and_needs_no_network(smoke: Checkout) -> None:
    status, said = smoke.run("--report", "results/report.html")
    assert status == 0, said[-5000:]
    assert "(ERROR" not in said and "(WARNING" not in said, (
        "captions must be valid reStructuredText"
    )
    text = (smoke.directory / "results/report.html").read_text()
    assert all(f"results/figures/{name}.png" in text for name in FIGURES)
    assert not re.search(r"<(script|link)[^>]*(src|href)=\"http", text)


# ------------------------------------------------------------------- what is run again


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("lib/hepdensity/models/registry.py", {"train_model"} | AFTER_TRAINING),
        ("lib/hepdensity/training/loop.py", {"train_model"} | AFTER_TRAINING),
        ("lib/hepdensity/plotting/style.py", PLOTS),
        ("scripts/evaluate_events.py", {"evaluate_events"}),
    ],
    ids=["model", "training", "plotting", "script"],
)
def test_edit_runs_again_what_depends_on_it(smoke: Checkout, name: str, again: set[str]) -> None:
    with appended(smoke.root / name, "EDITED = 1"):
        assert set(smoke.plan()) == again


@pytest.mark.parametrize(
    ("old", "new"),
    [('"""', '"""Edited. '), ("\n", "\n# why\n")],
    ids=["docstring", "comment"],
)
def test_edit_of_words_runs_nothing_again(smoke: Checkout, old: str, new: str) -> None:
    with edited(smoke.root / "lib/hepdensity/models/registry.py", old, new):
        assert smoke.plan() == {}


def test_fresh_checkout_runs_nothing_again(smoke: Checkout) -> None:
    for path in (smoke.root / "scripts").glob("*.py"):
        path.touch()
    assert smoke.plan() == {}


@pytest.mark.parametrize(
    ("config", "again"),
    [
        (
            {"training": {**TRAINING, "learning_rate": 0.002}},
            {"train_model"} | AFTER_TRAINING,
        ),
        ({"flow": {"layers": 8, "bins": 2}}, {"train_model"} | AFTER_TRAINING),
        ({"grid": {"n_train": [500]}}, {"train_model"} | AFTER_TRAINING),
        ({"samples": 3000}, {"generate_samples"} | AFTER_SAMPLES),
        (
            {"generation": {"normalisation_points": 5000}},
            {
                "prepare_normalisation",
                "evaluate_truth",
                "evaluate_log_likelihood",
                "plot_log_likelihood",
            },
        ),
    ],
    ids=["training", "two values swapped", "training-set size", "samples", "normalisation"],
)
def test_setting_runs_again_what_depends_on_it(
    smoke: Checkout, config: dict[str, Any], again: set[str]
) -> None:
    assert set(smoke.plan(**config)) == again


def test_order_of_event_files_counts(smoke: Checkout, tmp_path: Path) -> None:
    checkout = Checkout(smoke.root, tmp_path)
    chunks = smoke.directory / "results/events/gluino/embedded/four_gluino"
    files = [str(chunks / f"chunk{i}.lhe.gz") for i in (0, 1)]
    orders = (files, files[::-1])
    first, second = ({"source": "lhe", "lhe": {"four_gluino": order}} for order in orders)
    target = "results/events/gluino/lhe/four_gluino.h5"
    status, said = checkout.run(target=target, gluino=first)
    assert status == 0, said[-5000:]
    assert checkout.plan(target=target, gluino=first) == {}
    assert checkout.plan(target=target, gluino=second) == {"ingest_lhe": 1}


# ------------------------------------------------------------------- accidents and other sources


def wait_for(path: Path, process: subprocess.Popen[str], limit: float = 180.0) -> None:
    end = time.monotonic() + limit
    while not path.exists():
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < end, f"no {path} after {limit} s"
        time.sleep(0.02)


def test_killed_run_is_resumed_with_the_same_result(smoke: Checkout, tmp_path: Path) -> None:
    shutil.copytree(smoke.directory, tmp_path / "run", symlinks=True)
    killed = Checkout(smoke.root, tmp_path / "run")
    trained = killed.directory / NONE
    shutil.rmtree(trained)
    (killed.directory / FIG05).unlink()
    with subprocess.Popen(
        killed.command(target=FIG05),
        cwd=killed.directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as process:
        wait_for(trained / "checkpoint" / "training.safetensors", process)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (trained / "training.json").exists()

    status, said = killed.run(target=FIG05)
    assert status != 0 and "--unlock" in said
    assert killed.run("--unlock")[0] == 0
    status, said = killed.run(target=FIG05)
    assert status == 0, said[-5000:]

    log = (killed.directory / "results/logs/train_model/none/n1000/seed1.log").read_text()
    resumed = re.search(r"resuming at step (\d+)", log)
    assert resumed and 0 < int(resumed[1]) < 400
    assert "training steps: 400/400 done" in log
    weights = [one.directory / NONE / "model.safetensors" for one in (killed, smoke)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert untimed(killed) == untimed(smoke)


def untimed(checkout: Checkout) -> list[dict[str, str]]:
    return [{**row, "train_seconds": ""} for row in checkout.rows(FIG05)]


def test_madgraph_events_reach_the_truth(tmp_path: Path, shared_data: Path) -> None:
    checkout = Checkout(REPOSITORY, tmp_path)
    files = {
        "four_gluino": [str(shared_data / "madgraph/gg_4gluino_2k.lhe.gz")],
        "two_gluino": [str(shared_data / "madgraph/gg_2gluino_2k.lhe.gz")],
    }
    config: dict[str, Any] = {
        "gluino": {"source": "lhe", "lhe": files},
        "split": {"validation": 300, "test": 500},
        "grid": {"models": ["none"]},
    }
    for target in (TRUTH, "results/tables/events_gluino.csv"):
        status, said = checkout.run(target=target, **config)
        assert status == 0, said[-5000:]
    rows = checkout.rows("results/tables/events_gluino.csv")
    assert [(row["source"], int(row["events"])) for row in rows] == [("lhe", 2000)] * 2
    truth = {key: float(value) for key, value in checkout.rows(TRUTH)[0].items()}
    names = ("log_likelihood_truth_error", "normalisation_error", "coupling_error")
    error = math.hypot(*(truth[name] for name in names))
    assert abs(truth["log_likelihood_truth"] - 2.91) < 4 * error
    assert truth["coupling_error"] > 0, "the coupling of these events runs"

    config["grid"]["n_train"] = [1000, 1201]
    target = "results/inputs/gluino.h5"
    status, _ = checkout.run("--forcerun", "prepare_gluino", target=target, **config)
    log = (tmp_path / "results/logs/prepare_gluino.log").read_text()
    assert status != 0
    assert "lhe/four_gluino.h5: 2000 events, but 2001 are asked for" in log
    assert "lower split or grid.n_train" in log


def test_csv_events_reach_the_figure_without_truth(smoke: Checkout, tmp_path: Path) -> None:
    checkout = Checkout(smoke.root, tmp_path)
    embedded = read_events(smoke.directory / "results/events/gluino/embedded/four_gluino.h5")
    write_csv(tmp_path / "data_4_gluino.csv", embedded)
    config = {
        "gluino": {"source": "csv", "csv": {"four_gluino": "data_4_gluino.csv"}},
        "grid": {"models": ["sort"]},
        "training": {"max_steps": 20},
    }
    status, said = checkout.run(target="results/figures/fig05_log_likelihood.png", **config)
    assert status == 0, said[-5000:]

    events = read_events(tmp_path / "results/events/gluino/csv/four_gluino.h5")
    np.testing.assert_allclose(events.momenta, embedded.momenta, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(events.helicities, embedded.helicities)
    np.testing.assert_array_equal(events.colour_order, embedded.colour_order)
    (row,) = checkout.rows(FIG05)
    assert {row[name] for name in FIG05_COLUMNS if "truth" in name} == {""}
    filled = ("log_likelihood", "log_likelihood_error", "log_likelihood_exact")
    assert all(math.isfinite(float(row[name])) for name in filled)
    assert not (tmp_path / "results/scores/gluino/truth.h5").exists()
    assert (tmp_path / "results/figures/fig05_log_likelihood.pdf").read_bytes().startswith(b"%PDF")


def write_csv(path: Path, events: Events) -> None:
    """Write events in the 27 columns of the paper's data set."""
    assert events.helicities is not None and events.colour_order is not None
    positions = order_to_positions(events.colour_order)
    momenta = events.momenta.reshape(len(events), -1)
    rows = np.hstack([momenta, events.helicities, positions])
    np.savetxt(path, rows, fmt=["%.12g"] * 16 + ["%d"] * 11, delimiter=",")


def test_bad_events_stop_the_run_and_leave_nothing(smoke: Checkout, tmp_path: Path) -> None:
    checkout = Checkout(REPOSITORY, tmp_path)
    chunk = smoke.directory / "results/events/gluino/embedded/four_gluino/chunk0.lhe.gz"
    (tmp_path / "cut.lhe").write_bytes(gzip.decompress(chunk.read_bytes())[:-100])
    gluino = {"source": "lhe", "lhe": {"four_gluino": ["cut.lhe"]}}
    target = "results/events/gluino/lhe/four_gluino.h5"
    status, said = checkout.run(target=target, gluino=gluino)
    assert status != 0, said[-5000:]
    log = (tmp_path / "results/logs/ingest_lhe/lhe/four_gluino.log").read_text()
    assert "cut.lhe: event 1300: the file is truncated" in " ".join(log.split())
    left = (tmp_path / "results/events").rglob("*")
    assert [path for path in left if path.is_file() or path.name.startswith(".")] == []
