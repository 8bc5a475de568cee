"""The workflow as a whole, run by Snakemake on the gluino study of the smoke preset.

All tests share one run from events to figures, in a copy of the checkout with its own results. Most
tests then use dry runs to ask what would run again after an edit.
"""

import gzip
import importlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkouts import (
    DATASETS,
    REPOSITORY,
    TRAINING,
    Checkout,
    add_toy,
    appended,
    copy_checkout,
    edited,
    plot_rules,
)

from hepdensity.ingest.event_file import read_events
from hepdensity.physics.colour_order import order_to_positions
from hepdensity.physics.events import Events
from hepdensity.provenance import record

pytestmark = pytest.mark.workflow

FIGURES = (
    *("fig03_gluino_energy", "fig04_digluino_mass", "fig05_log_likelihood"),
    "fig07_varying_dimension",
    *("fig10_discrete_log_likelihood", "fig10_importance_bound", "fig11_discrete_marginals"),
    *("fig12_energy_by_colour", "fig13_delta_psi_by_helicity"),
    *(f"training_curves_{dataset}" for dataset in DATASETS),
)
FIG10 = "fig10_discrete_log_likelihood"
FIG05 = "fig05_log_likelihood"
NONE = "models/angles/none/n1000/seed1"
RESULTS = "results/smoke/gluino"
FIG05_COLUMNS = [
    *("model", "n_train", "seed"),
    *("log_likelihood", "log_likelihood_error"),
    *("log_likelihood_exact", "log_likelihood_exact_error", "exact", "draws"),
    *("log_likelihood_truth", "log_likelihood_truth_error"),
    *("kl_to_truth", "kl_to_truth_error", "not_finite"),
    *("unphysical_fraction", "steps", "ended_by", "train_seconds", "parameters"),
]
FIG10_COLUMNS = [
    *("model", "family", "permutation", "n_train", "seed"),
    *("log_likelihood", "log_likelihood_error"),
    *("log_likelihood_tight", "log_likelihood_tight_error", "exact", "draws"),
    *("log_likelihood_truth", "log_likelihood_truth_error"),
    *("kl_to_truth", "kl_to_truth_error", "not_finite"),
    *("invalid_fraction", "steps", "ended_by", "train_seconds", "parameters"),
]
PLOTS = plot_rules("gluino")
CSV_FILES = {"four_gluino": "data_4_gluino.csv", "two_gluino": "data_2_gluino.csv"}
ESTIMATORS = {"evaluate_gluino_estimators", "evaluate_estimators_by_study"}
TWO_SAMPLE = {"evaluate_two_sample", "evaluate_two_sample_table"} | ESTIMATORS
AFTER_SAMPLES_OF_ANGLES = TWO_SAMPLE | {
    *("evaluate_log_likelihood", "plot_log_likelihood"),
    *("plot_gluino_energy", "plot_digluino_mass"),
}
AFTER_SAMPLES_OF_LABELS = TWO_SAMPLE | {
    *("evaluate_label_likelihood", "plot_discrete_log_likelihood"),
    *("plot_discrete_marginals", "plot_energy_by_colour", "plot_delta_psi_by_helicity"),
}
BOUNDS = {"evaluate_importance_bound", "plot_importance_bound"}
AFTER_SAMPLES = (
    AFTER_SAMPLES_OF_ANGLES
    | AFTER_SAMPLES_OF_LABELS
    | {"evaluate_multiplicity_likelihood", "plot_varying_dimension"}
)
AFTER_TRUTH = BOUNDS | {
    *("evaluate_log_likelihood", "plot_log_likelihood", "evaluate_multiplicity_likelihood"),
    *("evaluate_label_likelihood", "plot_discrete_log_likelihood"),
}
AFTER_SCORES = AFTER_TRUTH | ESTIMATORS
WITH_TRAINING = {"train_model", "score_events", "draw_samples", "plot_training_curves"}
FROM_TRAINING = WITH_TRAINING | AFTER_SAMPLES | BOUNDS
FROM_TRAINING_OF_ANGLES = WITH_TRAINING | AFTER_SAMPLES_OF_ANGLES
FROM_TRAINING_OF_LABELS = WITH_TRAINING | AFTER_SAMPLES_OF_LABELS | BOUNDS


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout after a run from events to figures. Tests must not change it."""
    base = tmp_path_factory.mktemp("smoke")
    copy_checkout(base / "check out")  # a space in a path is no fault
    (base / "a run").mkdir()
    checkout = Checkout(base / "check out", base / "a run")
    status, said = checkout.run()
    assert status == 0, said[-5000:]
    return checkout


# ------------------------------------------------------------------- from events to figures


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_both_formats_and_its_numbers(smoke: Checkout, name: str) -> None:
    assert smoke.results(f"figures/{name}.pdf").read_bytes().startswith(b"%PDF")
    assert smoke.results(f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads(smoke.results(f"figures/{name}.json").read_text())
    assert {"settings", "source", "versions"} <= set(record["provenance"])
    assert smoke.rows(name)


@pytest.mark.parametrize(
    ("table", "rows"),
    [("fig07_log_likelihood", 2), ("p_four", 1), ("two_sample", 8)],
)
def test_table_without_figure(smoke: Checkout, table: str, rows: int) -> None:
    assert len(smoke.rows(table)) == rows


def test_table_of_labelled_log_likelihoods(smoke: Checkout) -> None:
    rows = {row["model"]: row for row in smoke.rows(FIG10)}
    assert list(rows) == DATASETS["labels"]["models"]
    assert all(list(row) == FIG10_COLUMNS for row in rows.values())
    argmax, mixture = rows["argmax-flow-stochastic"], rows["mixture-likelihood-sort"]
    assert (argmax["exact"], argmax["draws"]) == ("False", "4")
    assert 0 < float(argmax["invalid_fraction"]) < 0.3
    assert (mixture["exact"], mixture["draws"], mixture["family"]) == ("True", "", "paper")
    assert float(mixture["invalid_fraction"]) == 0
    assert rows["phase-space-labels"]["family"] == "ours"
    assert all(float(row["kl_to_truth"]) > 0 for row in rows.values())


def test_table_of_log_likelihoods(smoke: Checkout) -> None:
    rows = smoke.rows(FIG05)
    assert list(rows[0]) == FIG05_COLUMNS
    assert {row["model"] for row in rows} == {"none", "stochastic", "sort", "none-symmetrised"}
    assert all(row["ended_by"] == "steps" and int(row["steps"]) == 400 for row in rows)


def test_table_of_events(smoke: Checkout) -> None:
    rows = smoke.rows("events")
    assert [(row["process"], int(row["events"])) for row in rows] == [
        ("four_gluino", 2600),
        ("two_gluino", 500),
    ]


def test_every_job_leaves_log_and_benchmark(smoke: Checkout) -> None:
    def jobs(folder: str) -> set[Path]:
        base = smoke.results(folder)
        return {path.relative_to(base).with_suffix("") for path in base.rglob("*.*")}

    assert jobs("logs") == jobs("benchmarks")
    assert len(jobs("logs")) == 61


def test_every_file_is_an_output_of_a_rule(smoke: Checkout) -> None:
    status, said = smoke.run("--list-untracked")
    assert status == 0, said[-5000:]
    files = [line for line in said.splitlines() if line.startswith("results/")]
    # Snakemake does not count benchmark files, which it writes itself.
    assert [file for file in files if "/benchmarks/" not in file] == []


def test_training_records_what_the_builder_got(smoke: Checkout) -> None:
    path = smoke.results("models/labels/phase-space-labels/n1000/seed1/training.json")
    settings = json.loads(path.read_text())["provenance"]["settings"]
    assert settings["layout"]["constants"]["mass"] == pytest.approx(607.7137 / 3000)
    assert settings["model"]["builder"].endswith(":labelled_phase_space_flow")


def test_another_run_or_preset_leaves_this_one_alone(smoke: Checkout) -> None:
    assert smoke.plan(run="another")["train_model"] == 7
    assert "train_model" in smoke.plan(preset="quick")
    assert smoke.plan() == {}


def test_second_run_has_nothing_to_do(smoke: Checkout) -> None:
    assert smoke.plan() == {}


def test_report_is_built_and_needs_no_network(smoke: Checkout) -> None:
    status, said = smoke.run("--report", "results/smoke/report.html")
    assert status == 0, said[-5000:]
    assert "(ERROR" not in said and "(WARNING" not in said, (
        "captions must be valid reStructuredText"
    )
    text = (smoke.directory / "results/smoke/report.html").read_text()
    assert all(f"{RESULTS}/figures/{name}.png" in text for name in FIGURES)
    assert not re.search(r"<(script|link)[^>]*(src|href)=\"http", text)


# ------------------------------------------------------------------- what is run again


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("lib/hepdensity/models/build.py", FROM_TRAINING),
        ("lib/hepdensity/models/flows/mixture.py", FROM_TRAINING_OF_LABELS),
        ("lib/hepdensity/training/loop.py", FROM_TRAINING),
        ("lib/hepdensity/plotting/style.py", PLOTS),
        ("lib/hepdensity/studies/gluino/evaluation/events.py", {"evaluate_events"}),
        ("lib/hepdensity/studies/gluino/evaluation/two_sample.py", TWO_SAMPLE),
    ],
    ids=["all models", "a model", "training", "plotting", "a table", "a script of the study"],
)
def test_edit_runs_again_what_depends_on_it(smoke: Checkout, name: str, again: set[str]) -> None:
    with appended(smoke.root / name, "EDITED = 1"):
        assert set(smoke.plan()) == again


def test_edit_of_a_model_trains_no_other(smoke: Checkout) -> None:
    with appended(smoke.root / "lib/hepdensity/models/flows/mixture.py", "EDITED = 1"):
        plan = smoke.plan()
    per_training = ("train_model", "draw_samples", "score_events", "evaluate_two_sample")
    assert {rule: plan[rule] for rule in per_training} == dict.fromkeys(per_training, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"""', '"""Edited. '), ("\n", "\n# why\n")],
    ids=["docstring", "comment"],
)
def test_edit_of_words_runs_nothing_again(smoke: Checkout, old: str, new: str) -> None:
    with edited(smoke.root / "lib/hepdensity/models/build.py", old, new):
        assert smoke.plan() == {}


NEW_FILES = {
    "a kind": ("lib/hepdensity/models/kinds/new.py", "lib/hepdensity/models/kinds/flow.py"),
    "a study": ("lib/hepdensity/studies/toy/study.py", "tests/toy_study"),
    "an event source": ("lib/hepdensity/ingest/new.py", "lib/hepdensity/ingest/summary.py"),
}


@pytest.mark.parametrize("names", NEW_FILES.values(), ids=list(NEW_FILES))
def test_addition_runs_nothing_again(smoke: Checkout, names: tuple[str, str]) -> None:
    new, template = names
    target = smoke.root / new
    assert not target.exists()
    added = [target]
    try:
        if (REPOSITORY / template).is_dir():
            added = add_toy(smoke.root)
        else:
            text = (REPOSITORY / template).read_text()
            target.write_text(text.replace('name="flow"', 'name="new"'))
        assert smoke.plan() == {}
    finally:
        for path in added:
            path.unlink()


def test_newly_recorded_package_runs_nothing_again(
    smoke: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Records contain the versions of all imported packages, not of a fixed list."""
    (tmp_path / "newcomer.py").write_text("")
    info = tmp_path / "newcomer-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: newcomer\nVersion: 1.5\n")
    (info / "RECORD").write_text("newcomer.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("newcomer")
    assert record({}, None, "")["versions"]["newcomer"] == "1.5"
    assert smoke.plan() == {}


def test_fresh_checkout_runs_nothing_again(smoke: Checkout) -> None:
    for path in (smoke.root / "scripts").rglob("*.py"):
        path.touch()
    assert smoke.plan() == {}


@pytest.mark.parametrize(
    ("config", "again"),
    [
        ({"training": {**TRAINING, "learning_rate": 0.002}}, FROM_TRAINING),
        (
            {"gluino": {"models": {"none": {"training": {"learning_rate": 0.002}}}}},
            FROM_TRAINING_OF_ANGLES,
        ),
        ({"gluino": {"flow": {"layers": 8, "bins": 2}}}, FROM_TRAINING),
        (
            {"gluino": {"datasets": {"angles": {"n_train": [500]}}}},
            FROM_TRAINING_OF_ANGLES,
        ),
        ({"samples": 3000}, {"draw_samples"} | AFTER_SAMPLES),
        ({"evaluation": {"draws": 5}}, {"score_events"} | AFTER_SCORES),
        (
            {"gluino": {"generation": {"normalisation_points": 5000}}},
            {"prepare_normalisation", "evaluate_truth", "evaluate_truth_multiplicity"}
            | AFTER_TRUTH,
        ),
    ],
    ids=[
        *("training", "training of a model", "two values swapped", "training-set size"),
        *("samples", "draws", "normalisation"),
    ],
)
def test_setting_runs_again_what_depends_on_it(
    smoke: Checkout, config: dict[str, Any], again: set[str]
) -> None:
    assert set(smoke.plan(**config)) == again


@pytest.mark.parametrize("dataset", DATASETS)
def test_another_training_size_keeps_what_was_trained(smoke: Checkout, dataset: str) -> None:
    plan = smoke.plan(gluino={"datasets": {dataset: {"n_train": [900, 1000]}}})
    assert plan["train_model"] == len(DATASETS[dataset]["models"])
    assert not {"prepare_gluino", "prepare_multiplicity"} & set(plan)


def test_order_of_event_files_counts(smoke: Checkout, tmp_path: Path) -> None:
    checkout = Checkout(smoke.root, tmp_path)
    chunks = smoke.results("events/embedded/four_gluino")
    files = [str(chunks / f"chunk{i}.lhe.gz") for i in (0, 1)]
    orders = (files, files[::-1])
    first, second = ({"source": "lhe", "lhe": {"four_gluino": order}} for order in orders)
    target = f"{RESULTS}/events/lhe/four_gluino.h5"
    status, said = checkout.run(target=target, gluino=first)
    assert status == 0, said[-5000:]
    assert checkout.plan(target=target, gluino=first) == {}
    assert checkout.plan(target=target, gluino=second) == {"ingest_lhe": 1}


def test_file_that_is_not_the_same_any_more_is_read_again(smoke: Checkout, tmp_path: Path) -> None:
    checkout = Checkout(smoke.root, tmp_path)
    chunks = [smoke.results(f"events/embedded/four_gluino/chunk{i}.lhe.gz") for i in (0, 1)]
    link, target = tmp_path / "events.lhe.gz", f"{RESULTS}/events/lhe/four_gluino.h5"
    link.symlink_to(chunks[0])
    config = {"source": "lhe", "lhe": {"four_gluino": ["events.lhe.gz"]}}
    status, said = checkout.run(target=target, gluino=config)
    assert status == 0, said[-5000:]
    record = checkout.results("events/lhe/four_gluino.json").read_text()
    (read,) = json.loads(record)["provenance"]["settings"]["files"]
    assert read["path"] == str(chunks[0].resolve())
    assert checkout.plan(target=target, gluino=config) == {}

    link.unlink()
    link.symlink_to(chunks[1])
    assert checkout.plan(target=target, gluino=config) == {"ingest_lhe": 1}
    link.unlink()
    shutil.copy2(chunks[1], link)
    os.utime(link, (1, 1))
    assert checkout.plan(target=target, gluino=config) == {"ingest_lhe": 1}


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
    table = f"{RESULTS}/tables/{FIG05}.csv"
    trained = killed.results(NONE)
    shutil.rmtree(trained)
    (killed.directory / table).unlink()
    with subprocess.Popen(
        killed.command(target=table),
        cwd=killed.directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as process:
        wait_for(trained / "checkpoint" / "training.safetensors", process)
        os.killpg(process.pid, signal.SIGKILL)
    assert not (trained / "training.json").exists()

    status, said = killed.run(target=table)
    assert status != 0 and "--unlock" in said
    assert killed.run("--unlock")[0] == 0
    status, said = killed.run(target=table)
    assert status == 0, said[-5000:]

    log = killed.results("logs/train_model/angles/none/n1000/seed1.log").read_text()
    resumed = re.search(r"resuming at step (\d+)", log)
    assert resumed and 0 < int(resumed[1]) < 400
    assert "training steps: 400/400 done" in log
    weights = [one.results(f"{NONE}/model.safetensors") for one in (killed, smoke)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert untimed(killed) == untimed(smoke)


def untimed(checkout: Checkout) -> list[dict[str, str]]:
    return [{**row, "train_seconds": ""} for row in checkout.rows(FIG05)]


def test_csv_events_reach_the_figure_without_truth(smoke: Checkout, tmp_path: Path) -> None:
    checkout = Checkout(smoke.root, tmp_path)
    embedded = read_events(smoke.results("events/embedded/four_gluino.h5"))
    write_csv(tmp_path / "data_4_gluino.csv", embedded)
    two = read_events(smoke.results("events/embedded/two_gluino.h5"))
    momenta = two.momenta.reshape(len(two), -1)
    np.savetxt(tmp_path / "data_2_gluino.csv", momenta, fmt="%.8g", delimiter=",")
    config = {
        "gluino": {
            **{"source": "csv", "csv": CSV_FILES},
            "datasets": {"angles": {"models": ["sort"]}},
        },
        "training": {"max_steps": 20},
    }
    mixed = f"{RESULTS}/inputs/multiplicity.h5"
    targets = [f"{RESULTS}/figures/fig05_log_likelihood.png", mixed]
    status, said = checkout.run(target=targets, **config)
    assert status == 0, said[-5000:]

    events = read_events(checkout.results("events/csv/four_gluino.h5"))
    np.testing.assert_allclose(events.momenta, embedded.momenta, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(events.helicities, embedded.helicities)
    np.testing.assert_array_equal(events.colour_order, embedded.colour_order)
    (row,) = checkout.rows(FIG05)
    assert {row[name] for name in FIG05_COLUMNS if "truth" in name} == {""}
    filled = ("log_likelihood", "log_likelihood_error", "log_likelihood_exact")
    assert all(math.isfinite(float(row[name])) for name in filled)
    assert not checkout.results("scores/truth.h5").exists()
    assert checkout.results("figures/fig05_log_likelihood.pdf").read_bytes().startswith(b"%PDF")


def write_csv(path: Path, events: Events) -> None:
    """Write events in the 27 columns of the paper's public data."""
    assert events.helicities is not None and events.colour_order is not None
    positions = order_to_positions(events.colour_order)
    momenta = events.momenta.reshape(len(events), -1)
    rows = np.hstack([momenta, events.helicities, positions])
    np.savetxt(path, rows, fmt=["%.12g"] * 16 + ["%d"] * 11, delimiter=",")


def test_bad_events_stop_the_run_and_leave_nothing(smoke: Checkout, tmp_path: Path) -> None:
    checkout = Checkout(REPOSITORY, tmp_path)
    chunk = smoke.results("events/embedded/four_gluino/chunk0.lhe.gz")
    (tmp_path / "cut.lhe").write_bytes(gzip.decompress(chunk.read_bytes())[:-100])
    gluino = {"source": "lhe", "lhe": {"four_gluino": ["cut.lhe"]}}
    target = f"{RESULTS}/events/lhe/four_gluino.h5"
    status, said = checkout.run(target=target, gluino=gluino)
    assert status != 0, said[-5000:]
    log = checkout.results("logs/ingest_lhe/lhe/four_gluino.log").read_text()
    assert "cut.lhe: event 1300: the file is truncated" in " ".join(log.split())
    left = checkout.results("events").rglob("*")
    assert [path for path in left if path.is_file() or path.name.startswith(".")] == []
