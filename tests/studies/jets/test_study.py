"""What the workflow knows about the study of jets."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jets_study import problems_of, study_of, trained

from hepdensity.models.kind import ABSENT, CATEGORICAL
from hepdensity.studies.jets import jet_files
from hepdensity.studies.jets.jet_sources import FORMATS
from hepdensity.studies.jets.processes import PROCESSES, events_for
from hepdensity.studies.jets.study import Study

REPOSITORY = Path(__file__).resolve().parents[3]

Make = Callable[..., Study]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(**changes: Any) -> Study:
        return study_of(tmp_path / "results", **changes)

    return build


def of_files(tmp_path: Path, **more: Any) -> dict[str, Any]:
    """Section of a study of one file for each of two processes."""
    path = tmp_path / "a.h5"
    path.write_text("jets")
    one = {"format": "top_tagging", "files": [str(path)]}
    files = {"qcd": {**one, "label": "qcd"}, "top": {**one, "label": "top", **more}}
    return {"source": "files", "files": files, "processes": ["qcd", "top"]}


# --- datasets -----------------------------------------------------------------------------------


def test_datasets(make: Make) -> None:
    study = make()
    assert study.of_jets() == ["qcd", "top", "qcd-vs-top"]
    assert study.known() == ["qcd-known", "top-known"]
    assert study.for_classifiers() == ["qcd-vs-top"]
    assert study.features["qcd"] == {ABSENT}
    assert study.features["qcd-vs-top"] == {ABSENT, CATEGORICAL}
    assert study.others("qcd") == ["top", "zprime"]
    assert study.others("qcd-vs-top") == ["zprime"]
    assert study.others("qcd-known") == ["top"]
    assert study.groups("top", "all") == ["test", "qcd", "zprime"]


def test_a_dataset_is_possible_with_jets_and_a_truth(make: Make) -> None:
    few = make(processes=["qcd", "zprime"])
    assert few.datasets() == ["qcd", "qcd-known"]
    untrained = make(
        datasets={"qcd": trained("diffusion"), "qcd-known": trained("diffusion")},
    )
    assert untrained.datasets() == ["qcd"]


def test_rows_count_the_jets_of_each_process(make: Make) -> None:
    study = make()
    assert (study.rows("qcd", 50), study.rows("qcd-vs-top", 50)) == (50, 100)


def test_preparation(make: Make) -> None:
    settings = make(constituents=7).preparation("qcd-vs-top")
    assert settings["processes"] == ["qcd", "top", "zprime"]
    assert (settings["constituents"], settings["dataset"]) == (7, "qcd-vs-top")


# --- jets ---------------------------------------------------------------------------------------


def test_simulated_chunks(make: Make) -> None:
    study = make(simulated={"chunk": 300, "jets": {"qcd": 100}})
    chunks = study.chunks("qcd")
    assert sum(chunks) == events_for("qcd", 100)
    assert chunks[0] == 300
    assert [Path(name).name for name in study.chunk_files("qcd", "root")][:1] == ["chunk0.root"]
    generation = study.generation("qcd", 1)
    assert (generation["chunk"], generation["pt"]) == (1, [550, 650])
    assert study.ingestion_of_chunks("qcd")["chunks"] == len(chunks)


def test_files_of_a_user(make: Make, tmp_path: Path) -> None:
    study = make(**of_files(tmp_path))
    ingestion = study.ingestion("qcd")
    assert (ingestion["format"], ingestion["label"]) == ("top_tagging", "qcd")
    assert study.jets("qcd").endswith("/jets/top_tagging/qcd.h5")
    assert study.files("qcd") == [str(tmp_path / "a.h5")]
    assert len(ingestion["files"]) == 1
    remote = {"format": "root", "files": ["https://x.org/a.root"]}
    one = make(source="files", files={"qcd": remote}, processes=["qcd"])
    assert one.ingestion("qcd")["remote"] == remote["files"]


def test_formats_are_those_of_the_readers() -> None:
    assert FORMATS == jet_files.FORMATS


# --- known truth --------------------------------------------------------------------------------


def test_known_truth(make: Make) -> None:
    study = make(
        datasets={
            "qcd": trained("flow-matching-hollow", seeds=(4, 5)),
            "qcd-known": trained("diffusion"),
        }
    )
    run = study.truth_run("qcd")
    assert (run["dataset"], run["model"], run["seed"]) == ("qcd", "flow-matching-hollow", 4)
    assert "/samples/qcd/flow-matching-hollow/n50/seed4/all.h5" in study.truth_samples("qcd")
    assert "/models/qcd/flow-matching-hollow/n50/seed4/" in study.truth_weights("qcd-known")
    assert study.true_evaluation("qcd-known")["groups"] == ["test"]
    assert study.known_comparison()["runs"][0]["dataset"] == "qcd-known"


# --- targets ------------------------------------------------------------------------------------


def test_targets_follow_from_what_is_trained(make: Make) -> None:
    names = {Path(path).stem for path in make().targets()}
    assert {"jets_fig2_score_qcd", "jets_fig4_score_top", "jets_known_truth"} <= names
    assert "jets_table2" in names
    few = make(datasets={"qcd": trained("diffusion")}, processes=["qcd", "top"])
    names = {Path(path).stem for path in few.targets()}
    assert "jets_fig2_score_qcd" in names
    assert not names & {"jets_fig4_score_top", "jets_known_truth", "jets_table2"}


def test_densities_and_classifiers(make: Make) -> None:
    study = make()
    runs = study.density_runs()
    assert {run["dataset"] for run in runs} == {"qcd", "top"}
    assert len(runs) == 4
    assert [run["model"] for run in study.classifier_runs()] == ["classifier"]
    assert {run["objective"] for run in runs} == {"flow-matching", "standard"}
    assert [run["model"] for run in study.solver_runs()] == ["flow-matching-hollow", "diffusion"]


# --- mistakes -----------------------------------------------------------------------------------


def test_the_presets_have_no_problems(make: Make) -> None:
    assert problems_of(make()) == []


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"processes": ["qcd", "top", "test"]}, "processes", "a process cannot be named 'test'"),
        ({"processes": ["qcd", "top", "w"]}, "processes", "'w' is not in jets.simulated; there"),
        ({"simulated": {"jets": {"w": 5}}}, "simulated.jets", "'w' cannot be simulated; there are"),
        (
            {"datasets": {"w": trained("diffusion")}},
            "datasets.w",
            "'w' is not in jets.processes",
        ),
        (
            {"datasets": {"qcd": trained("diffusion"), "qcd-known": trained("diffusion")}},
            "datasets.qcd-known",
            "needs the model 'flow-matching-hollow' on the dataset 'qcd'",
        ),
        (
            {"datasets": {"qcd-leading20": trained("dropout-sort")}},
            "datasets.qcd-leading20",
            "jets keep 12 constituents only",
        ),
        (
            {"datasets": {"qcd": trained("classifier")}},
            "datasets.qcd.models",
            "'classifier' needs a dataset of two processes",
        ),
        (
            {"datasets": {"qcd-vs-top": trained("diffusion")}},
            "datasets.qcd-vs-top.models",
            "'diffusion' needs one of one process",
        ),
    ],
)
def test_mistakes(make: Make, changes: dict[str, Any], place: str, message: str) -> None:
    found = problems_of(make(**changes))
    assert any(where == place and message in told for where, told in found), found


def test_files_that_are_missing_or_remote(make: Make, tmp_path: Path) -> None:
    missing = make(**of_files(tmp_path, files=[str(tmp_path / "no.h5")]))
    ((place, message),) = problems_of(missing)
    assert place == "files.top.files"
    assert "no.h5" in message
    remote = make(**of_files(tmp_path, files=["https://x.org/a.h5"]))
    ((_, message),) = problems_of(remote)
    assert message == "https://x.org/a.h5: only Delphes files can be remote; download it"


def test_the_workflow_imports_nothing_heavy() -> None:
    code = (
        "import sys, hepdensity.studies.jets.study;"
        "print(sorted({'torch', 'matplotlib', 'uproot', 'pythia8mc'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    assert done.stdout.strip() == "[]"


def test_processes_have_jets() -> None:
    assert all(process.jets_per_event > 0 for process in PROCESSES.values())
