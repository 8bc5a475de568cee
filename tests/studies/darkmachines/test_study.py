"""What the workflow knows about the Dark Machines study."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from darkmachines_study import problems_of, study_of, trained

from hepdensity.configuration import (
    ConfigurationError,
    effective_configuration,
    load_yaml,
    overlay,
)
from hepdensity.studies.darkmachines.evaluation import references
from hepdensity.studies.darkmachines.study import FIGURES, REFERENCES, TABLES, Study

REPOSITORY = Path(__file__).resolve().parents[3]

Make = Callable[..., Study]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(**changes: Any) -> Study:
        return study_of(tmp_path / "results", **changes)

    return build


def of_files(tmp_path: Path, **more: Any) -> dict[str, Any]:
    """Section of a study of one file."""
    path = tmp_path / "a.csv"
    path.write_text("events")
    files = {
        "processes": {"qcd": {"format": "csv", "files": [str(path)]}},
        "backgrounds": {"2b": ["qcd"]},
    }
    datasets = {"2b-max8": trained("dm-flow")}
    return {"source": "files", "files": overlay(files, more), "datasets": datasets}


# --- datasets -----------------------------------------------------------------------------------


def test_datasets_are_those_with_models_and_background(make: Make) -> None:
    study = make()
    assert study.datasets() == ["2a-file6", "2b-mass10", "2b-max8"]
    assert study.channels() == ["2a", "2b"]
    assert make(simulated={"backgrounds": {"2a": []}}).datasets() == ["2b-mass10", "2b-max8"]
    none = make(datasets={"2b-max8": trained("dm-flow"), "2a-max8": trained()})
    assert none.datasets() == ["2b-max8"]


def test_preparation_of_a_dataset(make: Make) -> None:
    study = make(simulated={"scale": {"2b": {"zw_0": 0.5}}})
    settings = study.preparation("2b-mass10")
    assert (settings["channel"], settings["view"], settings["n_max"]) == ("2b", "mass", 10)
    assert (settings["folds"], settings["fold"]) == (1, 0)
    assert settings["split"] == {"validation": 0.2, "test": 0.5}
    processes = {one["name"]: one for one in settings["processes"]}
    assert list(processes) == ["zw_0", "ttbar_300", "stlp_st600", "stlp_st1000"]
    assert [one["group"] for one in processes.values()] == [
        *(None, None),
        *("stlp_st600", "stlp_st1000"),
    ]
    assert [one["scale"] for one in processes.values()] == [0.5, 1.0, 1.0, 1.0]
    assert not any(one["selected"] for one in processes.values())
    assert {one["scale"] for one in study.preparation("2a-file6")["processes"]} == {1.0}


def test_datasets_of_a_channel_have_the_same_events(make: Make) -> None:
    study = make()
    one, other = (study.preparation(name) for name in ("2b-mass10", "2b-max8"))
    differ = {key for key in one if one[key] != other[key]}
    assert differ == {"view", "n_max"}
    assert study.train_rows("2b-max8") == study.train_rows("2b-mass10") == 30
    assert study.train_rows("2a-file6") == 20
    assert study.widest("2b") == "2b-mass10"


def test_events_of_a_file_may_be_those_of_a_channel_already(make: Make, tmp_path: Path) -> None:
    for channel, selected in (("2b", True), ("3", False), (None, False)):
        process = {"channel": channel} if channel else {}
        study = make(**of_files(tmp_path, processes={"qcd": process}))
        (prepared,) = study.preparation("2b-max8")["processes"]
        assert prepared["selected"] is selected


def test_scored_groups(make: Make, tmp_path: Path) -> None:
    study = make()
    assert study.scored_groups("2b-max8") == ["validation", "test", "stlp_st600", "stlp_st1000"]
    assert study.groups("2a-file6", "all") == ["validation", "test"]
    unlabelled = make(**of_files(tmp_path, unlabelled={"2b": ["qcd"]}))
    assert unlabelled.scored_groups("2b-max8") == ["validation", "test", "unlabelled"]


# --- what tables read ---------------------------------------------------------------------------


def test_tables_read_the_scores_of_all_trainings(make: Make) -> None:
    study = make()
    assert [path.removeprefix(f"{study.folder}/scores/") for path in study.score_files()] == [
        "2a-file6/dequantisation-sort/n20/seed1/all.h5",
        "2b-mass10/object-flow/n30/seed1/all.h5",
        "2b-max8/dm-flow/n20/seed1/all.h5",
        "2b-max8/mixture-sort/n20/seed1/all.h5",
    ]


def test_references_are_made_for_channels_with_signals(make: Make) -> None:
    study = make(seed=3)
    assert study.reference_files() == [f"{study.folder}/references/2b-mass10.h5"]
    settings = study.referencing("2b-mass10")
    assert settings["signals"] == ["stlp_st600", "stlp_st1000"]
    assert settings["references"]["seed"] == 3


def test_settings_of_the_tables(make: Make) -> None:
    combinations = {"both": {"model": "object-flow", "with": ["met"]}}
    study = make(combinations=combinations, compare=[["both", "met"]])
    settings = study.anomaly()
    assert settings["runs"] == study.all_runs()
    assert settings["signals"] == {
        "2a": {},
        "2b": {"stlp_st600": "tuning", "stlp_st1000": "final"},
    }
    assert settings["combinations"].items() >= combinations.items()
    assert settings["compare"] == [["both", "met"]]
    assert (settings["draws"], settings["published"]) == (200, False)


def names_of(study: Study, part: str) -> list[str]:
    paths = [Path(target) for target in study.targets()]
    return list(dict.fromkeys(path.stem for path in paths if path.parent.name == part))


def test_targets(make: Make, tmp_path: Path) -> None:
    study = make()
    curves = [f"training_curves_{name}" for name in study.datasets()]
    assert names_of(study, "figures") == [*FIGURES, "detector_closure", *curves]
    assert names_of(study, "tables") == list(TABLES)
    suffixes = {Path(target).suffix for target in study.targets()}
    assert suffixes == {".pdf", ".png", ".csv"}
    of_a_user = names_of(make(**of_files(tmp_path)), "figures")
    assert "detector_closure" not in of_a_user


# --- folds --------------------------------------------------------------------------------------


def test_folds_are_datasets_of_their_own(make: Make) -> None:
    study = make(folds=3, datasets={"2b-max8": trained("dm-flow"), "2b-mass8": trained()})
    folds = [f"2b-max8-fold{i}of3" for i in range(3)]
    assert study.trained_on("2b-max8") == study.datasets() == folds
    assert study.tabled() == study.joined() == ["2b-max8"]
    assert [study.preparation(name)["fold"] for name in folds] == [0, 1, 2]
    assert study.preparation("2b-max8")["fold"] is None
    assert len(study.all_runs()) == 3
    (run,) = study.tabled_runs()
    assert run["dataset"] == "2b-max8"
    assert [Path(path).parts[-5] for path in study.score_files()] == ["2b-max8"]
    assert study.reference_files() == [f"{study.folder}/references/2b-max8.h5"]


# --- problems -----------------------------------------------------------------------------------


def test_sound_configurations_have_no_problems(make: Make, tmp_path: Path) -> None:
    assert problems_of(make()) == []
    assert problems_of(make(folds=3)) == []
    assert problems_of(make(**of_files(tmp_path))) == []


@pytest.mark.parametrize(
    ("place", "section"),
    [
        ("backgrounds", {"backgrounds": {"2b": ["zw_1"]}}),
        ("signals", {"signals": {"2b": {"final": ["zw_1"]}}}),
    ],
)
def test_unknown_simulated_process(make: Make, place: str, section: dict[str, Any]) -> None:
    where, message = next(make(simulated=section).problems())
    assert where == ("simulated", place, "2b")
    assert message == (
        "'zw_1' is not a process; there are stlp_st1000, stlp_st600, ttbar_300, zw_0"
    )


@pytest.mark.parametrize("part", ["backgrounds", "signals", "unlabelled"])
def test_unknown_process_of_files(make: Make, tmp_path: Path, part: str) -> None:
    named: Any = {"2b": {"tuning": ["qdc"]} if part == "signals" else ["qdc"]}
    where, message = next(make(**of_files(tmp_path, **{part: named})).problems())
    assert where == ("files", part, "2b")
    assert message == "'qdc' is not a process; there are qcd"


def test_unknown_channel(make: Make) -> None:
    study = make(datasets={"2c-max8": trained("dm-flow"), "2b-max8": trained("dm-flow")})
    ((place, message),) = problems_of(study)
    assert place == "datasets.2c-max8"
    assert message == "there is no channel '2c'; define it in channels (1, 2a, 2b, 3)"


def test_channel_of_the_user(make: Make) -> None:
    own = {"own": {"met": 60, "objects": [{"types": ["g"], "pt": 100}]}}
    study = make(
        channels=own,
        datasets={"own-max8": trained("dm-flow")},
        simulated={"backgrounds": {"own": ["zw_0"]}},
    )
    assert problems_of(study) == []
    assert study.channels() == ["own"]
    assert study.generation("zw_0", 0)["channels"]["own"] == own["own"]


def test_signal_with_both_roles(make: Make) -> None:
    both = {"2b": {"tuning": ["stlp_st1000", "stlp_st600"]}}
    ((place, message),) = problems_of(make(simulated={"signals": both}))
    assert place == "simulated.signals.2b"
    assert message == "'stlp_st1000' is a tuning signal and a final one; choose one role"


def test_signal_that_is_background_too(make: Make) -> None:
    both = {"2b": {"final": ["stlp_st1000", "zw_0"]}}
    ((place, message),) = problems_of(make(simulated={"signals": both}))
    assert place == "simulated.signals.2b"
    assert message == "'zw_0' is a background process of this channel too"


def test_background_that_is_there_twice(make: Make) -> None:
    twice = {"2b": ["zw_0", "njets_500", "njets_imbalanced_500", "njets_imbalanced_800"]}
    events = {"njets_500": 10, "njets_imbalanced_500": 10, "njets_imbalanced_800": 10}
    ((place, message),) = problems_of(make(simulated={"backgrounds": twice, "events": events}))
    assert place == "simulated.backgrounds.2b"
    assert message == "'njets_imbalanced_500' is a part of 'njets_500'; take one of the two"


@pytest.mark.parametrize("name", ["train", "validation", "test", "unlabelled"])
def test_signal_that_is_named_like_a_group(make: Make, tmp_path: Path, name: str) -> None:
    given = of_files(tmp_path, signals={"2b": {"final": [name]}})
    given["files"]["processes"][name] = given["files"]["processes"]["qcd"]
    ((place, message),) = problems_of(make(**given))
    assert place == "files.signals.2b"
    assert message == f"a signal cannot be named '{name}', as a group of events is; rename it"


@pytest.mark.parametrize(
    ("dataset", "model", "needed"),
    [
        ("2b-max8", "object-flow", "mass"),
        ("2b-file8", "object-flow", "mass"),
        ("2b-momentum8", "object-flow", "mass"),
        ("2b-mass8", "dm-flow", "max, file or momentum"),
        ("2b-mass8", "classifier-sort", "max, file or momentum"),
        ("2b-max8", "diffusion-hollow", "momentum"),
    ],
)
def test_kinds_need_their_view(make: Make, dataset: str, model: str, needed: str) -> None:
    ((place, message),) = problems_of(make(datasets={dataset: trained(model)}))
    assert place == f"datasets.{dataset}.models"
    assert message.startswith(f"'{model}' (kind ")
    assert f"needs a dataset of view {needed}, not " in message


@pytest.mark.parametrize("model", ["diffusion-hollow", "classifier-sort"])
def test_models_of_the_view_momentum(make: Make, model: str) -> None:
    assert problems_of(make(datasets={"2b-momentum8": trained(model)})) == []


@pytest.mark.parametrize("view", ["max", "mass"])
def test_own_builders_take_any_view(make: Make, view: str) -> None:
    own = {"mine": {"kind": "own", "builder": "hepdensity.mine:build"}}
    assert problems_of(make(models=own, datasets={f"2b-{view}8": trained("mine")})) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"datasets": {"2b-max8": trained()}},
        {"datasets": {"3-max8": trained("dm-flow")}},
    ],
    ids=["no model", "no background"],
)
def test_nothing_to_do(make: Make, changes: dict[str, Any]) -> None:
    ((place, message),) = problems_of(make(**changes))
    assert place == "datasets"
    assert message == "no dataset has models and a channel with background processes"


def test_missing_file_is_named(make: Make, tmp_path: Path) -> None:
    given = of_files(tmp_path, processes={"qcd": {"files": ["/nowhere/a.csv"]}})
    ((place, message),) = problems_of(make(**given))
    assert place == "files.processes.qcd.files"
    assert "/nowhere/a.csv" in message


def test_missing_file_of_a_process_that_is_not_used_is_no_problem(
    make: Make, tmp_path: Path
) -> None:
    unused = {"other": {"format": "csv", "files": ["/nowhere/a.csv"]}}
    assert problems_of(make(**of_files(tmp_path, processes=unused))) == []


def test_two_folds_are_too_few(make: Make) -> None:
    ((place, message),) = problems_of(make(folds=2))
    assert place == "folds" and ">= 3" in message


# --- the section as a user writes it --------------------------------------------------------------

CSV = {"format": "csv", "files": ["a.csv"]}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "dataset name": (
        {"datasets": {"2b-widest8": trained("dm-flow")}},
        r"^darkmachines.datasets.2b-widest8: .*names are <channel>-<view><N_max>",
    ),
    "too many objects": (
        {"datasets": {"2b-max21": trained("dm-flow")}},
        r"^darkmachines.datasets.2b-max21: .*names are <channel>-<view><N_max>",
    ),
    "unknown source": ({"source": "lhe"}, "^darkmachines.source: must be one of simulated, files"),
    "type of objects": (
        {"channels": {"own": {"objects": [{"types": ["jet"]}]}}},
        "types.0: must be one of j, b, e-",
    ),
    "name of a channel": ({"channels": {"my-own": {}}}, "names are letters, digits and _"),
    "unknown cut": (
        {"channels": {"own": {"meff": 5}}},
        r"^darkmachines.channels.own.meff: unknown key; .*Allowed here: met, ht, met_over_ht",
    ),
    "fraction of events": ({"split": {"test": 1}}, "^darkmachines.split.test: must be .*< 1"),
    "format": (
        {"files": {"processes": {"a": {**CSV, "format": "lhe"}}}},
        "a.format: must be one of root, csv, hepmc",
    ),
    "name of a process": (
        {"files": {"processes": {"a/b": CSV}}},
        "names are letters, digits, dots",
    ),
    "no events of a process": (
        {"simulated": {"events": {"zw_0": 0}}},
        r"^darkmachines.simulated.events.zw_0: must be >= 1",
    ),
    "role": (
        {"simulated": {"signals": {"2b": {"testing": ["stlp_st600"]}}}},
        "unknown key; .*Allowed here: tuning, final",
    ),
    "view of a kind": (
        {"datasets": {"2b-mass8": {"models": ["dm-flow"]}}},
        r"^darkmachines.datasets.2b-mass8.models: 'dm-flow' \(kind filled\) needs a dataset of",
    ),
}


@pytest.mark.parametrize(("section", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused_with_key_and_what_is_allowed(section: dict[str, Any], message: str) -> None:
    given = overlay(load_yaml(REPOSITORY / "config.yaml"), {"darkmachines": section})
    with pytest.raises(ConfigurationError, match=message) as error:
        effective_configuration(given, {}, REPOSITORY / "workflow")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "process",
    [
        {**CSV, "cross_section": 1.0},
        {**CSV, "generated": 10},
        {"format": "csv"},
        {**CSV, "command": "make {output}"},
    ],
    ids=["no number generated", "no cross-section", "neither file nor command", "both"],
)
def test_incomplete_processes_are_refused(process: dict[str, Any]) -> None:
    section = {"darkmachines": {"files": {"processes": {"a": process}}}}
    given = overlay(load_yaml(REPOSITORY / "config.yaml"), section)
    with pytest.raises(ConfigurationError, match=r"^darkmachines.files.processes.a") as error:
        effective_configuration(given, {}, REPOSITORY / "workflow")
    assert "\n" not in str(error.value)


def test_importing_the_study_is_cheap() -> None:
    """The workflow imports it every time it is parsed, in every cluster job."""
    heavy = ("torch", "sklearn", "scipy", "matplotlib", "numba", "awkward", "uproot", "pyhepmc")
    code = "import sys, hepdensity.studies.darkmachines.study; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(REPOSITORY / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(heavy) & set(answer.stdout.split())


def test_names_of_references_are_those_that_exist() -> None:

    assert (*references.FIXED, *references.FOR_A_SIGNAL) == REFERENCES


@pytest.mark.parametrize(
    ("given", "place", "message"),
    [
        (
            {"combinations": {"x": {"model": "no-model", "with": ["met"]}}},
            "combinations.x.model",
            "'no-model' is not in darkmachines.models",
        ),
        (
            {"compare": [["object-flow", "no-score"]]},
            "compare",
            "'no-score' is neither a model, a combination, a reference nor 'paper'",
        ),
        (
            {"simulated": {"scale": {"9": {}}}},
            "simulated.scale",
            "'9' is not a channel; there are 1, 2a, 2b, 3",
        ),
        (
            {"simulated": {"scale": {"1": {"no-process": 0.5}}}},
            "simulated.scale.1",
            "'no-process' is not a process",
        ),
    ],
    ids=["combination", "comparison", "channel", "process"],
)
def test_names_that_do_not_exist(
    make: Make, given: dict[str, Any], place: str, message: str
) -> None:
    assert problems_of(make(**given)) == [(place, message)]
