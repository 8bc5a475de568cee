"""The Dark Machines study as a whole, from simulated events and from files of the user.

All tests share one run from Pythia to figure 14. Its events, written in other formats, are the
files of the user in a second run. A third one shows what a user sees if something is wrong.
"""

import csv
import json
import math
import re
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkouts import REPOSITORY, Checkout, appended, copy_checkout, edited
from delphes_files import write_tree
from hepmc_files import write_hepmc

from hepdensity.configuration import overlay
from hepdensity.evaluation.scores import TIGHT, read_scores
from hepdensity.generate.pythia import PythiaRun
from hepdensity.ingest.challenge_csv import write_challenge_csv
from hepdensity.ingest.delphes import read_delphes
from hepdensity.ingest.object_file import read_objects, read_sample
from hepdensity.studies.darkmachines.channels import select
from hepdensity.studies.darkmachines.signals import SIGNALS

pytestmark = pytest.mark.workflow

STUDY = "darkmachines"
RESULTS = f"results/smoke/{STUDY}"
OFF: dict[str, Any] = {
    name: {"models": []}
    for name in (
        *("1-max8", "1-mass8", "2a-max6", "2a-mass8"),
        *("2b-max8", "2b-file8", "2b-mass8", "2b-momentum8", "3-max8", "3-mass8"),
    )
}
BACKGROUND, TUNING, FINAL = "z_jets_mu_100", "stlp_st600", "stlp_st1000"
SIMULATED: dict[str, Any] = {
    "simulated": {
        "chunk": 300,
        "events": {BACKGROUND: 600, TUNING: 80, FINAL: 80},
        "backgrounds": {"2b": [BACKGROUND]},
        "signals": {"2b": {"tuning": [TUNING], "final": [FINAL]}},
    },
    "datasets": {
        **OFF,
        "2b-max8": {"models": ["dequantisation-sort", "dm-flow"]},
        "2b-mass8": {"models": ["object-flow"]},
        "2b-momentum8": {"models": ["diffusion-hollow"]},
    },
    "combinations": {"object-flow-met": {"model": "object-flow", "with": ["met", "ht"]}},
    "compare": [["object-flow-met", "paper"], ["object-flow", "met"]],
    "bootstrap_draws": 20,
}
TABLES = (
    *("fig14_max_si", "darkmachines_scores", "challenge_scores", "darkmachines_summary"),
    *("darkmachines_comparison", "darkmachines_coordinates", "darkmachines_composition"),
    *("log_likelihood", "events", "estimators"),
)
FIGURE = f"{RESULTS}/figures/fig14_max_si.png"
BY_STUDY = "results/smoke/tables/estimators_by_study.csv"
TARGETS = [FIGURE, BY_STUDY, *(f"{RESULTS}/tables/{name}.csv" for name in TABLES)]
MODELS = {"dequantisation-sort", "dm-flow", "diffusion-hollow", "object-flow", "object-flow-met"}
REFERENCES = {"met", "ht", "meff", "deep-svdd", "isolation-forest"}
FIG14 = (
    "channel,model,permutation,n_max,n_train,seed,signal,signal_role,auc,auc_low,auc_high,"
    "eps_s_1e2,eps_s_1e3,eps_s_1e4,resolved_1e2,resolved_1e3,resolved_1e4,"
    "max_si,max_si_low,max_si_high,max_si_resolved,ceiling_max_si"
)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A run from Pythia to figures and tables. Tests must not change it."""
    given = {"preset": "smoke", "studies": [STUDY], STUDY: SIMULATED}
    checkout = Checkout(REPOSITORY, tmp_path_factory.mktemp("simulated"), given)
    status, said = checkout.run(target=TARGETS)
    assert status == 0, said[-5000:]
    return checkout


@pytest.fixture(scope="module")
def editable(simulated: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout with the same results."""
    root = tmp_path_factory.mktemp("copy") / "checkout"
    copy_checkout(root)
    return Checkout(root, simulated.directory, simulated.given)


# ------------------------------------------------------------------- from Pythia to figure 14


def test_figure_14_is_drawn(simulated: Checkout) -> None:
    figure = simulated.directory / FIGURE
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert figure.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", TABLES)
def test_tables_have_rows(simulated: Checkout, name: str) -> None:
    assert simulated.rows(name, STUDY)


def test_scores_of_models_combinations_and_references(simulated: Checkout) -> None:
    rows = simulated.rows("darkmachines_scores", STUDY)
    assert {row["model"] for row in rows} >= MODELS | REFERENCES
    for name in MODELS | REFERENCES:
        roles = {row["signal"]: row["signal_role"] for row in rows if row["model"] == name}
        assert roles == {TUNING: "tuning", FINAL: "final"}, name
    for row in rows:
        assert 0 <= float(row["auc"]) <= 1
        assert row["resolved_1e4"] == "False", "a few hundred events resolve no 1e-4"


def test_table_of_figure_14_has_its_columns(simulated: Checkout) -> None:
    rows = simulated.rows("fig14_max_si", STUDY)
    assert list(rows[0])[: len(FIG14.split(","))] == FIG14.split(",")
    assert {row["model"] for row in rows} >= MODELS


def test_exchange_format_of_the_challenge(simulated: Checkout) -> None:
    rows = simulated.rows("challenge_scores", STUDY)
    assert list(rows[0]) == ["Signal", "Model", "Chan", "AUC", "1e-2", "1e-3", "1e-4"]
    assert {row["Signal"] for row in rows} == {TUNING, FINAL}


def test_estimators_of_all_studies(simulated: Checkout) -> None:
    own = simulated.rows("estimators", STUDY)
    with (simulated.directory / BY_STUDY).open(newline="") as file:
        assert list(csv.DictReader(file)) == own
    assert {row["model"] for row in own} == MODELS - {"object-flow-met"}
    for row in own:
        assert row["study"] == STUDY
        assert float(row["score_ms_per_event"]) > 0 and float(row["train_seconds"]) > 0
        assert math.isfinite(float(row["log_likelihood"])) and 0 <= float(row["auc"]) <= 1


def test_comparison_has_a_row_per_pair_and_role(simulated: Checkout) -> None:
    rows = simulated.rows("darkmachines_comparison", STUDY)
    pairs = {(row["score"], row["against"], row["signal_role"]) for row in rows}
    given = [tuple(pair) for pair in SIMULATED["compare"]]
    assert pairs == {(*pair, role) for pair in given for role in ("tuning", "final")}
    assert {row["score_is"] for row in rows} == {
        "object-flow 2b-mass8 n20",
        "object-flow-met 2b-mass8 n20",
    }


def test_chunks_become_one_event_file(simulated: Checkout) -> None:
    events = simulated.results(f"events/simulated/{BACKGROUND}.h5", STUDY)
    sample = read_sample(events)
    assert sample.generated == 600 and sample.cross_section is not None
    assert sorted(path.name for path in events.with_suffix("").glob("*.root")) == [
        "chunk0.root",
        "chunk1.root",
    ]
    rows = {row["process"]: row for row in simulated.rows("events", STUDY)}
    assert set(rows) == {BACKGROUND, TUNING, FINAL}


def test_every_job_leaves_log_and_benchmark(simulated: Checkout) -> None:
    def jobs(folder: str) -> set[Path]:
        base = simulated.results(folder, STUDY)
        return {path.relative_to(base).with_suffix("") for path in base.rglob("*.*")}

    assert jobs("logs") == jobs("benchmarks")


def test_report_is_built(editable: Checkout) -> None:
    status, said = editable.run("--report", "results/smoke/report.html", target=TARGETS)
    assert status == 0, said[-5000:]
    assert "(ERROR" not in said and "(WARNING" not in said
    text = (editable.directory / "results/smoke/report.html").read_text()
    assert all(target in text for target in TARGETS)


def test_second_run_has_nothing_to_do(editable: Checkout) -> None:
    assert editable.plan(TARGETS) == {}


def test_edit_of_the_plotting_draws_again_only(editable: Checkout) -> None:
    with appended(editable.root / "lib/hepdensity/plotting/style.py", "EDITED = 1"):
        assert set(editable.plan(TARGETS)) == {"plot_max_si"}


def test_edit_of_processes_simulates_again(editable: Checkout) -> None:
    path = editable.root / "lib/hepdensity/studies/darkmachines/processes.py"
    with edited(path, "Beams:eCM = 13000", "Beams:eCM = 14000"):
        plan = editable.plan(TARGETS)
    assert plan["generate_darkmachines_events"] == 4
    assert set(plan) >= {"ingest_simulated", "prepare_darkmachines", "train_model", "plot_max_si"}


def test_edit_of_the_evaluation_trains_nothing_again(editable: Checkout) -> None:
    path = editable.root / "lib/hepdensity/studies/darkmachines/evaluation/summary.py"
    with appended(path, "EDITED = 1"):
        assert set(editable.plan(TARGETS)) == {
            "evaluate_summary",
            "evaluate_comparison",
            "plot_max_si",
        }


# ------------------------------------------------------------------- files of the user


@pytest.fixture(scope="module")
def own(simulated: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A run from files of every format, and a command, to the tables. Tests must not change it."""
    folder = tmp_path_factory.mktemp("own")
    given = {"preset": "smoke", "studies": [STUDY], STUDY: own_section(simulated, folder)}
    checkout = Checkout(REPOSITORY, folder, given)
    unlabelled = "unlabelled/2b-mass8/object-flow/n20/seed1.csv"
    status, said = checkout.run(target=[f"{RESULTS}/{name}" for name in (*OWN_TABLES, unlabelled)])
    assert status == 0, said[-5000:]
    return checkout


OWN_BACKGROUNDS = ("root/z", "csv/top")
OWN_TABLES = ("tables/darkmachines_scores.csv", "tables/events.csv")


def own_section(simulated: Checkout, folder: Path) -> dict[str, Any]:
    """Write the files, and the section that names them."""

    def events(name: str) -> Any:
        return read_objects(simulated.results(f"events/simulated/{name}.h5", STUDY))

    first, second = sorted(
        simulated.results(f"events/simulated/{BACKGROUND}", STUDY).glob("*.root")
    )
    write_challenge_csv(folder / "top.csv", read_delphes(second, process="top"))
    stop = events(TUNING)
    write_challenge_csv(folder / "stop.csv", [stop[select(stop, "2b")]])
    write_challenge_csv(folder / "secret.csv.gz", [events(FINAL)[:20]])
    with tarfile.open(folder / "all.tar", "w") as archive:
        archive.add(folder / "top.csv", "chan2b/top.csv")
        archive.add(folder / "stop.csv", "chan2b/stop.csv")
    signal = SIGNALS[FINAL]
    run = PythiaRun([*signal.settings, "PartonLevel:MPI = off"], 5, signal.slha, name=FINAL)
    write_hepmc(folder / "rpv.hepmc", next(run.batches(30)))
    processes: dict[str, Any] = {
        "z": {
            **{"format": "root", "files": [str(first)]},
            **{"cross_section": 30.0, "generated": 300},
        },
        "top": {
            **{"format": "csv", "command": "cp top.csv {output}"},
            **{"cross_section": 20.0, "generated": 400},
        },
        "stop": {
            **{"format": "csv", "files": ["all.tar"], "member": "stop.csv", "channel": "2b"},
        },
        "rpv": {"format": "hepmc", "files": ["rpv.hepmc"]},
        "secret": {"format": "csv", "files": ["secret.csv.gz"]},
    }
    channels = {
        "backgrounds": {"2b": ["z", "top"]},
        "signals": {"2b": {"tuning": ["stop"], "final": ["rpv"]}},
        "unlabelled": {"2b": ["secret"]},
    }
    return {
        "source": "files",
        "folds": 3,
        "files": {"processes": processes, **channels},
        "datasets": {**OFF, "2b-mass8": {"models": ["object-flow"]}},
        "bootstrap_draws": 20,
        "largest_skipped": 0.02,
    }


def test_files_of_every_format_reach_the_tables(own: Checkout) -> None:
    rows = {row["process"]: row for row in own.rows("events", STUDY)}
    assert {name: row["role"] for name, row in rows.items()} == {
        **{"z": "background", "top": "background", "stop": "tuning", "rpv": "final"},
    }
    assert (rows["top"]["cross_section"], rows["top"]["generated"]) == ("20.0", "400")
    scores = own.rows("darkmachines_scores", STUDY)
    assert {row["signal"] for row in scores} == {"stop", "rpv"}
    assert {row["model"] for row in scores} >= {"object-flow"} | REFERENCES
    assert all(math.isfinite(float(row["max_si"])) for row in scores)


def test_formats_agree_on_the_events(simulated: Checkout, own: Checkout) -> None:
    """The same events from our ROOT files, and with six digits from our CSV files."""
    mine = read_objects(simulated.results(f"events/simulated/{BACKGROUND}.h5", STUDY))
    z, top = (read_objects(own.results(f"events/{name}.h5", STUDY)) for name in OWN_BACKGROUNDS)
    assert len(z) + len(top) == len(mine)
    for found, expected, digits in ((z, mine[: len(z)], 1e-7), (top, mine[len(z) :], 1e-5)):
        np.testing.assert_array_equal(found.type, expected.type)
        np.testing.assert_allclose(found.pt, expected.pt, rtol=digits)
        np.testing.assert_allclose(found.met, expected.met, rtol=digits)


def test_folds_score_the_whole_background(own: Checkout) -> None:
    events = [read_objects(own.results(f"events/{name}.h5", STUDY)) for name in OWN_BACKGROUNDS]
    selected = sum(int(select(of_process, "2b").sum()) for of_process in events)
    scores = read_scores(own.results("scores/2b-mass8/object-flow/n20/seed1/all.h5", STUDY), "test")
    found = scores.arrays[TIGHT]
    assert len(found) == selected
    assert np.isfinite(found).all()
    trained = sorted(own.results("models", STUDY).rglob("*.safetensors"))
    assert len(trained) == 3


def test_cross_sections_of_the_user_mix_the_processes(own: Checkout) -> None:
    record = json.loads(own.results("inputs/2b-mass8.json", STUDY).read_text())
    found = record["backgrounds"]
    weight = {"z": found["z"]["selected"] * 30 / 300, "top": found["top"]["selected"] * 20 / 400}
    total = sum(weight.values())
    assert {name: one["share"] for name, one in found.items()} == pytest.approx(
        {name: value / total for name, value in weight.items()}
    )


def test_unlabelled_events_get_scores(own: Checkout) -> None:
    path = own.results("unlabelled/2b-mass8/object-flow/n20/seed1.csv", STUDY)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    events = read_objects(own.results("events/csv/secret.h5", STUDY))
    assert len(events) == 20
    selected = events.event_id[select(events, "2b")]
    assert [int(row["event_id"]) for row in rows] == selected.tolist()
    assert all(math.isfinite(float(row["anomaly_score"])) for row in rows)


# ------------------------------------------------------------------- what a user sees if it fails


@pytest.fixture(scope="module")
def faulty(own: Checkout) -> str:
    """What a run with several mistakes says, with a line for each of them."""
    folder = own.directory
    write_tree(folder / "notes.root", {"x": np.arange(3)}, tree="Notes")
    events = read_objects(own.results("events/csv/top.h5", STUDY))[:40]
    write_challenge_csv(folder / "soft.csv", [replace(events, met=np.full(40, 60.0))])
    write_challenge_csv(folder / "still.csv", [replace(events, met=np.arange(-1, 39).clip(0))])
    lines = (folder / "top.csv").read_text().splitlines()
    lines[2] = lines[2].replace(";", ",", 1)
    (folder / "bad.csv").write_text("\n".join(lines))
    failing = {
        "notes": {"format": "root", "files": ["notes.root"]},
        "bad": {"format": "csv", "files": ["bad.csv"]},
        "still": {"format": "csv", "files": ["still.csv"]},
        "soft": {"format": "csv", "files": ["soft.csv"]},
    }
    section: dict[str, Any] = {
        "folds": 1,
        "files": {
            "processes": failing,
            "backgrounds": {"1": ["notes", "bad", "still"], "2a": ["z"]},
            "signals": {"2a": {"final": ["soft"]}},
        },
        "channels": {"2a": {"met": 70, "objects": []}},
        "datasets": {
            "1-max8": {"models": ["dm-flow"]},
            "2a-max6": {"models": ["dm-flow"]},
            "2b-file8": {"models": ["dm-flow"], "n_train": [5000]},
        },
    }
    given = overlay(own.given, {STUDY: section})
    targets = [f"{RESULTS}/inputs/{name}.h5" for name in section["datasets"]]
    status, said = Checkout(own.root, folder, given).run("--keep-going", target=targets)
    assert status != 0
    assert not any(own.directory.joinpath(target).exists() for target in targets)
    return said


FAULTS = {
    "no Delphes tree": r"notes.root: there is no tree 'Delphes'; the file has Notes; give a file",
    "line of a CSV file": r"bad.csv: line 3: ",
    "too many events that are left out": (
        r"still.csv: 2 of 40 events are left out .* more than the fraction 0.02; .*largest_skipped"
    ),
    "signal without events": r"soft.h5: no event of 'soft' passes the cuts of channel 2a; take",
    "too few training events": r"channel 2b: there are \d+ unweighted training events, but 5000",
}


@pytest.mark.parametrize("message", FAULTS.values(), ids=list(FAULTS))
def test_mistakes_are_told_in_one_line(faulty: str, message: str) -> None:
    found = [line for line in faulty.splitlines() if re.search(message, line)]
    assert len(found) == 1, faulty[-5000:]
    assert "CRITICAL ValueError: " in found[0]
    assert "Traceback" not in faulty
