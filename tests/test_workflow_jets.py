"""The study of jets as a whole, from simulated jets to figures, and from files of the user.

All tests share one run from Pythia to the figures. A second one shows what a user's files become.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkouts import REPOSITORY, Checkout, appended, copy_checkout
from made_up_jets import random_momenta
from pandas_tables import jet_columns, write_table

from hepdensity.ingest.jet_file import read_jets
from hepdensity.models.inputs import group_sizes
from hepdensity.studies.jets.evaluation.known_truth import PARTS

pytestmark = pytest.mark.workflow

STUDY = "jets"
PROCESSES = ["qcd", "top"]
ONE: dict[str, Any] = {"n_train": [50], "seeds": [1]}
OFF: dict[str, Any] = {"models": []}
SIMULATED: dict[str, Any] = {
    "processes": PROCESSES,
    "constituents": 6,
    "simulated": {"chunk": 1000, "jets": {name: 110 for name in PROCESSES}},
    "split": {"test": 30, "validation": 10},
    "datasets": {
        **{name: OFF for name in ("zprime", "qcd-paper", "qcd-leading4", "zprime-known")},
        "qcd": {"models": ["flow-matching-hollow"], **ONE},
        "top": {"models": ["flow-matching-hollow"], **ONE},
        "qcd-vs-top": {"models": ["classifier"], **ONE},
        "qcd-known": {"models": ["diffusion"], **ONE},
        "top-known": {"models": ["diffusion"], **ONE},
    },
    "known_truth": {"pairs": [PROCESSES]},
    "solvers": {"models": ["flow-matching-hollow"], "jets": 6, "exact_jets": 2},
    "training": {"batch_size": 25, "max_steps": 4},
    "samples": 95,
    "accuracy": {"jets": 10, "permutations": 3},
    "least_background": 5,
}
FIGURES = (
    *("jets_fig1_permutation", "jets_fig2_score_qcd", "jets_fig3_sic", "jets_fig4_score_top"),
    *("jets_fig5_roc", "jets_fig6_nll", "jets_known_truth"),
)
TABLES = (
    *("jets", "jets_table1", "jets_measure", "jets_solvers", "jets_likelihood", "estimators"),
)
TABLE_1 = (
    "trained_on,family,loss,background,signal,auc,auc_low,auc_high,max_sic,max_sic_low,"
    "max_sic_high,max_sic_paper_definition,density_ratio_auc,density_ratio_auc_error,"
    "classifier_auc,classifier_auc_error,jets,seed"
)
FOLDER = f"results/smoke/{STUDY}"
TARGETS = [
    *(f"{FOLDER}/figures/{name}.png" for name in FIGURES),
    *(f"{FOLDER}/tables/{name}.csv" for name in TABLES),
]


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


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn(simulated: Checkout, name: str) -> None:
    figure = simulated.results(f"figures/{name}.png", STUDY)
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert simulated.rows(name, STUDY)


def test_table_1(simulated: Checkout) -> None:
    rows = simulated.rows("jets_table1", STUDY)
    wanted = TABLE_1.split(",")
    assert [name for name in rows[0] if name in wanted] == wanted
    assert [(row["trained_on"], row["signal"]) for row in rows] == [("qcd", "top"), ("top", "qcd")]
    for row in rows:
        assert 0 <= float(row["auc_low"]) <= float(row["auc"]) <= float(row["auc_high"]) <= 1
        assert float(row["classifier_auc_error"]) > 0
        assert row["jets"] == "30"
        assert row["not_finite"] == "0"


def test_likelihoods_have_the_errors_of_the_solver(simulated: Checkout) -> None:
    rows = simulated.rows("jets_likelihood", STUDY)
    assert {row["dataset"] for row in rows} == set(PROCESSES)
    for row in rows:
        assert 0 < float(row["solver_rms"]) < 1
        assert float(row["probe_rms"]) == 0
        parts = float(row["nll_jet"]) + float(row["nll_particles"])
        assert parts == pytest.approx(float(row["nll"]))


def test_known_truth(simulated: Checkout) -> None:
    rows = simulated.rows("jets_known_truth", STUDY)
    assert [row["part"] for row in rows] == list(PARTS)
    for row in rows:
        # Held-out log-likelihoods cannot lie above the truth beyond errors.
        for name in ("kl_background", "kl_signal"):
            assert float(row[name]) > -4 * float(row[f"{name}_error"])
        assert row["above_truth"] == "False"


def test_solvers(simulated: Checkout) -> None:
    rows = simulated.rows("jets_solvers", STUDY)
    assert {row["divergence"] for row in rows} == {"hollow", "exact", "hutchinson"}


def test_every_job_leaves_log_and_benchmark(simulated: Checkout) -> None:
    def jobs(folder: str) -> set[Path]:
        base = simulated.results(folder, STUDY)
        return {path.relative_to(base).with_suffix("") for path in base.rglob("*.*")}

    assert jobs("logs") == jobs("benchmarks")


def test_second_run_has_nothing_to_do(editable: Checkout) -> None:
    assert editable.plan(TARGETS) == {}


def test_edit_of_a_figure_draws_again_only(editable: Checkout) -> None:
    path = editable.root / "lib/hepdensity/studies/jets/plotting/curves.py"
    with appended(path, "EDITED = 1"):
        assert set(editable.plan(TARGETS)) == {"plot_jets_sic", "plot_jets_roc"}


def test_edit_of_the_classifier_trains_no_density_again(editable: Checkout) -> None:
    path = editable.root / "lib/hepdensity/models/set_classifier.py"
    with appended(path, "EDITED = 1"):
        plan = editable.plan(TARGETS)
    assert plan["train_model"] == plan["score_classifier"] == 1
    assert "score_events" not in plan


def test_files_of_the_top_tagging_data_set(tmp_path: Path) -> None:
    """Parts that the file names are kept, and jets of both labels are told apart."""
    momenta, offsets = random_momenta(400, 1)
    counts = np.diff(offsets)
    table = np.zeros((400, counts.max(), 4))
    table[np.arange(counts.max()) < counts[:, None]] = momenta[:, [3, 0, 1, 2]]
    part = np.arange(400) // 2 % 4
    columns = jet_columns(
        table,
        ttv=np.where(part == 3, 0, part).astype(np.int64),
        is_signal_new=(np.arange(400) % 2).astype(np.int64),
    )
    path = write_table(tmp_path / "all.h5", columns)
    one = {"format": "top_tagging", "files": [str(path)]}
    given = {
        **SIMULATED,
        "source": "files",
        "files": {name: {**one, "label": name} for name in PROCESSES},
        "window": {"pt": [300, 900], "eta": 4},
    }
    checkout = Checkout(REPOSITORY, tmp_path, {"preset": "smoke", "studies": [STUDY], STUDY: given})
    target = f"{FOLDER}/inputs/top.h5"
    status, said = checkout.run(target=target)
    assert status == 0, said[-5000:]
    assert group_sizes(tmp_path / target) == {"test": 30, "validation": 10, "train": 50, "qcd": 30}
    jets = read_jets(checkout.results("jets/top_tagging/top.h5", STUDY))
    assert set(jets.label) == {"top"}
    assert set(jets.event_id % 2) == {1}
    assert set(jets.part) == {0, 1, 2}
