"""What the workflow knows about the gluino study."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from hepdensity.configuration import overlay
from hepdensity.evaluation.limits import LEAST_EVENTS
from hepdensity.studies.gluino.study import FIGURES, TABLES, Study

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / "workflow" / "studies" / "gluino"
MODELS = yaml.safe_load((FOLDER / "models.yaml").read_text())
PRESETS = yaml.safe_load((FOLDER / "presets.yaml").read_text())

Make = Callable[..., Study]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Build the study of the preset smoke with changes to its section."""

    def build(**changes: Any) -> Study:
        section = overlay(overlay({"models": MODELS}, PRESETS["common"]), PRESETS["smoke"])
        config = {
            "training": {"max_steps": 5, "max_validations": None, "max_seconds": None},
            "evaluation": {"draws": 4, "events": 100},
            "devices": {"training": "cpu", "generation": "auto"},
            "samples": 500,
            "gluino": overlay(section, changes),
        }
        return Study("gluino", config, str(tmp_path / "results"))

    return build


@pytest.fixture
def files(tmp_path: Path) -> dict[str, list[str]]:
    """One event file per process."""
    paths = {name: tmp_path / f"{name}.lhe" for name in ("four_gluino", "two_gluino")}
    for name, path in paths.items():
        path.write_text(name)
    return {name: [str(path)] for name, path in paths.items()}


def messages(study: Study) -> list[tuple[str, str]]:
    return [(".".join(map(str, place)), message) for place, message in study.problems()]


# --- events -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "chunk", "sizes"),
    [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 4, [3]), (5, 1, [1] * 5)],
)
def test_chunks_add_up_to_the_events(make: Make, events: int, chunk: int, sizes: list[int]) -> None:
    study = make(generation={"two_gluino": {"events": events, "chunk": chunk}})
    assert study.chunks("two_gluino") == sizes
    names = study.chunk_files("two_gluino", "lhe.gz")
    assert len(set(names)) == len(sizes)
    last = study.generation("two_gluino", len(sizes) - 1)
    assert (last["events"], last["chunk"]) == (sizes[-1], len(sizes) - 1)
    assert (last["process"], last["device"]) == ("two_gluino", "auto")


def test_embedded_events_are_read_from_their_chunks(make: Make) -> None:
    study = make()
    wildcards = SimpleNamespace(source="embedded", process="four_gluino")
    assert study.lhe_files(wildcards) == study.chunk_files("four_gluino", "lhe.gz")
    assert study.processes() == ["four_gluino", "two_gluino"]
    assert study.ingestion(wildcards)["files"] == []


def test_files_of_the_user_are_read_in_their_order(
    make: Make, files: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    given = ["~/two_gluino.lhe", *files["four_gluino"]]
    study = make(source="lhe", lhe={"four_gluino": given})
    wildcards = SimpleNamespace(source="lhe", process="four_gluino")
    assert study.lhe_files(wildcards) == [*files["two_gluino"], *files["four_gluino"]]
    assert study.processes() == ["four_gluino"]
    names = [Path(one["path"]).name for one in study.ingestion(wildcards)["files"]]
    assert names == ["two_gluino.lhe", "four_gluino.lhe"]


def test_replaced_file_changes_the_settings_of_its_ingestion(
    make: Make, files: dict[str, list[str]]
) -> None:
    study = make(source="lhe", lhe=files)
    wildcards = SimpleNamespace(source="lhe", process="four_gluino")
    before = study.ingestion(wildcards)
    assert study.ingestion(wildcards) == before
    Path(files["four_gluino"][0]).write_text("other_event")
    assert study.ingestion(wildcards) != before


def test_single_csv_file_is_given_without_a_list(make: Make, files: dict[str, list[str]]) -> None:
    study = make(source="csv", csv={"four_gluino": files["four_gluino"][0]})
    assert study.files("four_gluino") == files["four_gluino"]
    assert study.files("two_gluino") == []
    assert study.truth("truth") == {}


# --- datasets and targets -----------------------------------------------------------------------


def test_datasets_are_those_with_events(make: Make, files: dict[str, list[str]]) -> None:
    assert make().datasets() == list(Study.features) == ["angles", "labels", "multiplicity"]
    four = {"four_gluino": files["four_gluino"]}
    assert make(source="lhe", lhe=four).datasets() == ["angles", "labels"]
    assert make(source="lhe", lhe=files).datasets() == list(Study.features)


@pytest.mark.parametrize(("n_train", "rows"), [(1, 1), (9, 9), (10, 11), (1005, 1105)])
def test_rows_of_mixed_datasets_hold_two_gluino_events_too(
    make: Make, n_train: int, rows: int
) -> None:
    study = make()
    assert study.rows("multiplicity", n_train) == rows
    assert study.rows("angles", n_train) == study.rows("labels", n_train) == n_train


def test_samples_and_orders_of_datasets(make: Make) -> None:
    study = make()
    assert study.sample_names("multiplicity") == ("four_gluino", "two_gluino")
    assert study.sample_names("labels") == ("all",)
    assert [name for name in study.features if study.symmetrised(name)] == ["angles"]


def test_preparation_tells_what_it_depends_on(make: Make) -> None:
    study = make()
    assert study.preparation("angles") == study.preparation("labels")
    assert set(study.preparation("angles")) == {"source", "split"}
    mixing = {"four_per_two", "p_four", "tolerance"}
    assert set(study.preparation("multiplicity")) - set(study.preparation("angles")) == mixing


def names_of(study: Study, part: str) -> list[str]:
    paths = [Path(target) for target in study.targets()]
    return list(dict.fromkeys(path.stem for path in paths if path.parent.name == part))


def test_targets_are_those_of_the_datasets(make: Make) -> None:
    study = make()
    figures = [name for dataset in study.features for name in FIGURES[dataset]]
    curves = [f"training_curves_{name}" for name in study.features]
    assert names_of(study, "figures") == [*figures, "fig10_importance_bound", *curves]
    tables = [name for dataset in study.features for name in TABLES[dataset]]
    assert names_of(study, "tables") == [*tables, "two_sample", "events"]
    assert all(target.startswith(f"{study.folder}/") for target in study.targets())
    suffixes = {Path(target).suffix for target in study.targets()}
    assert suffixes == {".pdf", ".png", ".csv"}


def test_dataset_without_models_has_no_targets(make: Make) -> None:
    study = make(datasets={"multiplicity": {"models": []}, "labels": {"models": []}})
    assert names_of(study, "figures") == [*FIGURES["angles"], "training_curves_angles"]
    assert names_of(study, "tables") == [*TABLES["angles"], "two_sample", "events"]


def test_truth_of_csv_files_is_not_known(make: Make, files: dict[str, list[str]]) -> None:
    given = {name: path for name, (path,) in files.items()}
    tables = names_of(make(source="csv", csv=given), "tables")
    assert not [name for name in tables if name.startswith("truth")]
    assert "p_four" in tables


def test_bounds_are_drawn_where_a_model_may_have_none_but_a_bound(make: Make) -> None:
    def bounded(*models: str, **more: Any) -> bool:
        study = make(datasets={"labels": {"models": list(models)}}, **more)
        found = "fig10_importance_bound" in names_of(study, "figures")
        assert found == study.bounded()
        return found

    assert bounded("argmax-flow-sort", "classifier-sort")
    assert not bounded("classifier-sort", "mixture-balanced-sort")
    assert bounded("mine", models={"mine": {"kind": "own", "builder": "hepdensity.mine:build"}})


# --- trainings that figures show ----------------------------------------------------------------


def test_figures_show_the_first_seed_of_the_largest_or_smallest_set(make: Make) -> None:
    part = {"n_train": [20, 500, 100], "seeds": [3, 1]}
    study = make(datasets={"angles": part, "labels": part})
    assert {(run["n_train"], run["seed"]) for run in study.smallest()} == {(20, 3)}
    assert {(run["n_train"], run["seed"]) for run in study.largest_of("labels")} == {(500, 3)}
    assert {(run["n_train"], run["seed"]) for run in study.shown_labels()} == {(500, 3)}


def shown(study: Study) -> list[str]:
    return [run["model"] for run in study.shown_labels()]


def test_of_two_like_treatments_the_better_one_is_shown(make: Make) -> None:
    assert shown(make()) == [
        *("dequantisation-flow-stochastic", "dequantisation-flow-sort"),
        *("argmax-flow-stochastic", "argmax-flow-sort"),
        *("mixture-likelihood-stochastic", "mixture-likelihood-sort"),
        *("classifier-sort", "phase-space-labels"),
    ]


@pytest.mark.parametrize(
    "models",
    [
        ["argmax-uniform-sort"],
        ["argmax-uniform-sort", "argmax-flow-stochastic"],
        ["argmax-uniform-sort", "dequantisation-flow-sort"],
        ["mixture-balanced-sort", "classifier-sort"],
    ],
    ids=["alone", "other permutation", "other kind", "no twin"],
)
def test_treatment_without_a_better_twin_is_shown(make: Make, models: list[str]) -> None:
    assert shown(make(datasets={"labels": {"models": models}})) == models


def test_twins_are_told_by_their_settings(make: Make) -> None:
    worse, better = MODELS["argmax-uniform-sort"], MODELS["argmax-flow-sort"]
    names = {"one": worse, "two": better, "three": {**worse, "bins": 9}}
    study = make(models=names, datasets={"labels": {"models": list(names)}})
    assert shown(study) == ["two", "three"]


# --- warnings and problems ----------------------------------------------------------------------


def test_files_that_are_not_read_are_told(make: Make, files: dict[str, list[str]]) -> None:
    assert list(make().warnings()) == []
    (told,) = make(lhe=files).warnings()
    assert "gluino.lhe names files, but gluino.source is embedded" in told
    assert "set gluino.source: lhe" in told
    assert list(make(source="lhe", lhe=files).warnings()) == []
    (told,) = make(source="lhe", lhe=files, csv={"two_gluino": "a.csv"}).warnings()
    assert "gluino.csv names files, but gluino.source is lhe" in told


def test_sound_configurations_have_no_problems(make: Make, files: dict[str, list[str]]) -> None:
    assert messages(make()) == []
    assert messages(make(source="lhe", lhe=files)) == []


def test_study_without_models(make: Make) -> None:
    nothing: dict[str, Any] = {name: {"models": []} for name in Study.features}
    ((place, message),) = messages(make(datasets=nothing))
    assert place == "datasets" and "no dataset with events has models" in message


def test_datasets_that_lack_events_are_no_datasets(make: Make, files: dict[str, list[str]]) -> None:
    nothing: dict[str, Any] = {name: {"models": []} for name in ("angles", "labels")}
    four = {"four_gluino": files["four_gluino"]}
    ((place, message),) = messages(make(source="lhe", lhe=four, datasets=nothing))
    assert place == "datasets" and "(there are no two-gluino events)" in message


@pytest.mark.parametrize(
    ("models", "least"), [([], LEAST_EVENTS), (["dropout-balanced-sort"], 10 * LEAST_EVENTS)]
)
def test_two_sample_tests_need_events(make: Make, models: list[str], least: int) -> None:
    datasets = {"multiplicity": {"models": models}}
    assert messages(make(datasets=datasets, split={"test": least})) == []
    ((place, message),) = messages(make(datasets=datasets, split={"test": least - 1}))
    assert place == "split.test" and message.startswith(f"must be >= {least} ")


@pytest.mark.parametrize("names", [[], ["/nowhere/a.lhe"]], ids=["none given", "absent"])
def test_missing_files_are_named(make: Make, names: list[str]) -> None:
    ((place, message),) = messages(make(source="lhe", lhe={"four_gluino": names}))
    assert place == "lhe.four_gluino"
    assert (names or ["no file is given"])[0] in message


def test_embedded_energy_must_suffice(make: Make) -> None:
    ((place, message),) = messages(make(mass=100.0, sqrt_s=400.0))
    assert place == "sqrt_s" and message == "must exceed 4 x gluino.mass = 400.0 [GeV], not 400.0"


@pytest.mark.parametrize(("process", "least"), [("four_gluino", 2605), ("two_gluino", 260)])
def test_too_few_embedded_events(make: Make, process: str, least: int) -> None:
    """1,005 to train on, 600 and 1,000 of the split, and of two gluinos a tenth of each."""
    part = {"n_train": [1005]}
    one = {"angles": {"models": []}, "labels": {"models": []}, "multiplicity": part}
    enough = {"four_gluino": {"events": 3000}, "two_gluino": {"events": 500}}
    fits = {**enough, process: {"events": least}}
    assert messages(make(datasets=one, generation=fits)) == []
    short = {**enough, process: {"events": least - 1}}
    ((place, message),) = messages(make(datasets=one, generation=short))
    assert place == f"generation.{process}.events"
    assert message.startswith(f"must be >= {least} ") and message.endswith(f"not {least - 1}")


def write_records(study: Study, dataset: str, pool: int) -> None:
    """Write the records that a run of the workflow would write."""
    settings = {study.inputs.format(dataset=dataset): study.preparation(dataset)}
    for process in study.processes():
        wildcards = SimpleNamespace(process=process, source=study.source)
        settings[study.events(process)] = study.ingestion(wildcards)
    for artefact, used in settings.items():
        path = Path(artefact).with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"rows": {"train": pool}, "provenance": {"settings": used}}
        path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("dataset", "pool", "largest", "needed"),
    [
        ("angles", 100, 100, None),
        ("angles", 100, 101, 101),
        ("multiplicity", 11, 10, None),
        ("multiplicity", 1105, 1005, None),
        ("multiplicity", 1105, 1006, 1106),
    ],
)
def test_training_sets_beyond_the_inputs_file_are_refused(
    make: Make,
    files: dict[str, list[str]],
    dataset: str,
    pool: int,
    largest: int,
    needed: int | None,
) -> None:
    given = {"source": "lhe", "lhe": files, "datasets": {dataset: {"n_train": [1, largest]}}}
    study = make(**given)
    assert messages(study) == []
    write_records(study, dataset, pool)
    expected = [] if needed is None else [f"datasets.{dataset}.n_train"]
    assert [place for place, _ in messages(study)] == expected
    if needed is not None:
        ((_, message),) = messages(study)
        told = f"{largest} needs {needed} training events, but the files contain {pool}"
        assert message.startswith(told)


CHANGES: dict[str, dict[str, Any]] = {
    "another split": {"split": {"test": 500}},
    "another source": {"source": "embedded"},
    "a dataset not done": {"datasets": {"angles": {"models": []}}},
    "other tolerances": {"tolerance": {"mass": 1e-3}},
}


@pytest.mark.parametrize("name", CHANGES)
def test_inputs_files_that_will_be_made_again_refuse_nothing(
    make: Make, files: dict[str, list[str]], name: str
) -> None:
    given = {"source": "lhe", "lhe": files, "datasets": {"angles": {"n_train": [101]}}}
    write_records(make(**given), "angles", 100)
    assert messages(make(**overlay(given, CHANGES[name]))) == []


def test_more_files_and_replaced_ones_refuse_nothing(
    make: Make, files: dict[str, list[str]]
) -> None:
    given = {"source": "lhe", "lhe": files, "datasets": {"angles": {"n_train": [101]}}}
    study = make(**given)
    write_records(study, "angles", 100)
    assert len(messages(study)) == 1
    more = {"four_gluino": [*files["four_gluino"], *files["two_gluino"]]}
    assert messages(make(**{**given, "lhe": more})) == []
    Path(files["four_gluino"][0]).write_text("another, with more events")
    assert messages(study) == []


def test_inputs_of_another_source_refuse_nothing(make: Make, files: dict[str, list[str]]) -> None:
    """The files were read before, but the inputs file was made from embedded events."""
    given = {"source": "lhe", "lhe": files, "datasets": {"angles": {"n_train": [101]}}}
    write_records(make(**given), "angles", 200)
    write_records(make(), "angles", 100)
    assert messages(make(**given)) == []


def test_importing_the_study_is_cheap() -> None:
    """The workflow imports it every time it is parsed, in every cluster job."""
    heavy = ("torch", "sklearn", "scipy", "matplotlib", "numba", "awkward", "uproot")
    code = "import sys, hepdensity.studies.gluino.study; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(REPOSITORY / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(heavy) & set(answer.stdout.split())
