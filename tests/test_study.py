"""What all studies share, tested with a minimal study and an invented configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hepdensity.models.kind import ABSENT, CATEGORICAL, Kind
from hepdensity.models.registry import kinds_of
from hepdensity.study import Study, file_problems

FLOW = "hepdensity.models.flows.flow:spline_flow"
OWN = "hepdensity.models.mine:build"
MINE = {"permutation": "sort", "width": 3}
TRAINING: dict[str, Any] = {
    **{"max_steps": 10, "max_validations": None, "max_seconds": None},
    **{"threshold_mode": "abs", "learning_rate": 1e-3, "batch_size": 100},
}


class Made(Study):
    """Three datasets, one of which may have no events."""

    features: Mapping[str, frozenset[str]] = {
        "plane": frozenset(),
        "kinds": frozenset({CATEGORICAL}),
        "holes": frozenset({ABSENT}),
    }

    @property
    def kinds(self) -> dict[str, Kind]:
        return kinds_of()

    def possible(self, dataset: str) -> bool:
        return dataset != "holes" or self.settings["holes_known"]


def section() -> dict[str, Any]:
    return {
        "holes_known": True,
        "models": {
            "sort": {"kind": "flow", "permutation": "sort"},
            "none": {
                "kind": "flow",
                "permutation": "none",
                "bins": 5,
                "training": {"max_steps": 3},
            },
            "argmax": {"kind": "argmax", "permutation": "sort", "noise": "flow"},
            "dropout": {"kind": "dropout", "permutation": "sort", "objective": [0.25, 0.75]},
            "mine": {
                "kind": "own",
                "builder": OWN,
                "settings": {"permutation": "sort", "width": 3},
            },
        },
        "datasets": {
            "plane": {"models": ["sort", "none"], "n_train": [10, 50], "seeds": [2, 1]},
            "kinds": {"models": ["argmax", "mine"], "n_train": [20], "seeds": [1]},
            "holes": {"models": ["dropout"], "n_train": [30], "seeds": [1]},
        },
        "flow": {"layers": 2, "bins": 8, "residual_blocks": 1, "units_per_dim": 4},
    }


def study(**changes: Any) -> Made:
    config = {
        "training": TRAINING,
        "evaluation": {"draws": 4, "events": 100},
        "devices": {"training": "cpu"},
        "samples": 500,
        "made": {**section(), **changes},
    }
    return Made("made", config, "results/mine")


def changed(dataset: str, **part: Any) -> dict[str, Any]:
    """Datasets of the section, with one of them changed."""
    datasets = section()["datasets"]
    return {**datasets, dataset: {**datasets[dataset], **part}}


# --- datasets and trainings ---------------------------------------------------------------------


def test_datasets_without_models_or_events_are_left_out() -> None:
    assert study().datasets() == ["plane", "kinds", "holes"]
    assert study(holes_known=False).datasets() == ["plane", "kinds"]
    assert study(datasets=changed("plane", models=[])).datasets() == ["kinds", "holes"]


def test_models_of_datasets() -> None:
    assert study().models() == ["sort", "none", "argmax", "mine", "dropout"]
    assert study().models("kinds", "plane") == ["argmax", "mine", "sort", "none"]
    assert study(holes_known=False).models("holes") == []


def test_runs_vary_the_seed_fastest() -> None:
    runs = [(run["model"], run["n_train"], run["seed"]) for run in study().runs("plane")]
    assert runs == [
        (model, n_train, seed)
        for model in ("sort", "none")
        for n_train in (10, 50)
        for seed in (2, 1)
    ]
    assert study(holes_known=False).runs("holes") == []


def test_choices_of_runs() -> None:
    made = study()
    assert {(run["n_train"], run["seed"]) for run in made.first_seed("plane")} == {(10, 2), (50, 2)}
    assert {run["n_train"] for run in made.runs("plane", [50], [1])} == {50}
    counts = {name: len(made.runs(name)) for name in made.datasets()}
    assert counts == {"plane": 8, "kinds": 2, "holes": 1}
    assert len(made.all_runs()) == 11
    assert made.grid("n_train") == [10, 20, 30, 50] and made.grid("seeds") == [1, 2]
    assert (made.largest("kinds"), made.largest("kinds", "plane")) == (20, 50)


def test_largest_of_a_dataset_that_is_not_done() -> None:
    assert study(holes_known=False).largest("holes") == 30
    assert study(holes_known=False).largest("holes", "kinds") == 20


def test_what_figures_and_tables_are_told() -> None:
    made = study()
    sort, mine = made.run("plane", "sort", 10, 2), made.run("kinds", "mine", 20, 1)
    assert {**sort, "look": None, "treatment": None} == {
        **{"study": "made", "dataset": "plane", "model": "sort", "n_train": 10, "seed": 2},
        **{"kind": "flow", "permutation": "sort", "objective": None, "symmetric": True},
        **{"exact": True, "family": "paper", "look": None, "treatment": None},
    }
    assert sort["look"]["label"] == "sort surjection"
    assert (mine["kind"], mine["permutation"], mine["symmetric"]) == ("own", "sort", True)
    assert (mine["exact"], mine["family"], mine["look"]["label"]) == (None, "ours", "mine")
    assert made.run("plane", "none", 10, 1)["symmetric"] is False
    assert made.run("kinds", "argmax", 20, 1)["exact"] is False
    assert made.run("holes", "dropout", 30, 1)["objective"] == [0.25, 0.75]


def test_files_of_a_training() -> None:
    made = study()
    run = made.run("plane", "sort", 10, 2)
    folder = "plane/sort/n10/seed2"
    assert made.folder == "results/mine/made"
    assert made.inputs.format(**run) == "results/mine/made/inputs/plane.h5"
    for pattern, name in (
        (made.weights, f"models/{folder}/model.safetensors"),
        (made.summary, f"models/{folder}/training.json"),
        (made.history, f"models/{folder}/history.csv"),
        (made.samples, f"samples/{folder}/all.h5"),
        (made.scores, f"scores/{folder}/test.h5"),
    ):
        assert pattern.format(**run, sample="all", group="test") == f"{made.folder}/{name}"


# --- settings -----------------------------------------------------------------------------------


def test_builder_and_its_settings() -> None:
    made = study()
    assert made.model_params("none") == {
        "builder": FLOW,
        "settings": {
            **{"permutation": "none", "bins": 5},
            **{"layers": 2, "residual_blocks": 1, "units_per_dim": 4},
        },
    }
    assert made.model_params("mine") == {"builder": OWN, "settings": MINE}


def test_study_needs_no_section_of_sizes() -> None:
    made = study()
    del made.settings["flow"]
    settings = made.model_params("sort")["settings"]
    assert settings == {"permutation": "sort"}


def test_what_is_said_closest_to_a_training_wins() -> None:
    changes = {
        "training": {"learning_rate": 2e-3, "batch_size": 7, "max_steps": 8},
        "datasets": changed("plane", training={"batch_size": 9, "max_steps": 6}),
    }
    made = study(**changes)
    assert made.training("plane", "none") == {
        **TRAINING,
        **{"learning_rate": 2e-3, "batch_size": 9, "max_steps": 3, "device": "cpu"},
    }
    assert made.training("plane", "sort")["max_steps"] == 6
    assert made.training("kinds", "argmax")["max_steps"] == 8
    assert study().training("plane", "sort") == {**TRAINING, "device": "cpu"}


def test_study_may_have_evaluation_and_samples_of_its_own() -> None:
    assert study().evaluation() == {"draws": 4, "events": 100}
    assert study(evaluation={"draws": 9}).evaluation() == {"draws": 9, "events": 100}
    assert (study().sample_count(), study(samples=7).sample_count()) == (500, 7)


def test_defaults_of_a_study() -> None:
    made = study()
    assert made.rows("plane", 10) == 10
    assert made.sample_names("plane") == ("all",)
    assert made.symmetrised("plane") is False
    assert not list(made.problems()) and not list(made.warnings())
    with pytest.raises(NotImplementedError):
        made.targets()


# --- checks -------------------------------------------------------------------------------------


def problems(**changes: Any) -> list[tuple[str, str]]:
    found = study(**changes).common_problems()
    return [(".".join(map(str, place)), message) for place, message in found]


def test_sound_configuration_has_no_problems() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("dataset", "model", "message"),
    [
        ("plane", "gone", "'gone' is not in made.models (sort, none, argmax, dropout, mine)"),
        ("plane", "argmax", "'argmax' (kind argmax) needs events with categorical columns"),
        ("plane", "dropout", "'dropout' (kind dropout) needs events with absent particles"),
        ("kinds", "sort", "'sort' (kind flow) cannot take events with categorical columns"),
        ("holes", "sort", "'sort' (kind flow) cannot take events with absent particles"),
    ],
)
def test_unsuitable_models_are_named(dataset: str, model: str, message: str) -> None:
    found = problems(datasets=changed(dataset, models=[model]))
    assert found == [(f"datasets.{dataset}.models", message)]


def test_model_may_be_unsuitable_in_two_ways() -> None:
    found = problems(datasets=changed("kinds", models=["dropout"]))
    assert [message.rpartition("kind dropout) ")[2] for _, message in found] == [
        "cannot take events with categorical columns",
        "needs events with absent particles",
    ]


def test_files_that_cannot_be_inputs_are_named(tmp_path: Path) -> None:
    good, braced = tmp_path / "run #1.lhe", tmp_path / "{process}.lhe"
    for path in (good, braced):
        path.write_text("events")
    assert list(file_problems(str(good))) == []
    (told,) = file_problems(str(braced))
    assert told.startswith(f"{braced}: Snakemake reads braces as wildcards; rename the file")
    for path, problem in ((tmp_path / "gone.lhe", "no such file"), (tmp_path, "this is a folder")):
        (told,) = file_problems(str(path))
        assert told.startswith(f"{path}: {problem}")


@pytest.mark.parametrize("budget", ["max_steps", "max_validations", "max_seconds", None])
@pytest.mark.parametrize("mode", ["abs", "rel"])
@pytest.mark.parametrize("schedule", [None, "plateau", "constant"])
def test_trainings_must_end(budget: str | None, mode: str, schedule: str | None) -> None:
    training: dict[str, Any] = {"max_steps": None, "threshold_mode": mode}
    training |= {} if schedule is None else {"schedule": schedule}
    training |= {} if budget is None else {budget: 5}
    datasets = {"plane": {**section()["datasets"]["plane"], "models": ["sort"]}}
    found = problems(training=training, datasets=datasets)
    ends = budget is not None or (mode == "abs" and schedule != "constant")
    assert [place for place, _ in found] == ([] if ends else ["training"])
    if not ends:
        told = "schedule is constant" if schedule == "constant" else "threshold_mode is rel"
        assert told in found[0][1]
