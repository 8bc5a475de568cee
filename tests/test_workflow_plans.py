"""Messages of the workflow before anything has run, and runs with events of MadGraph."""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkouts import REPOSITORY, SHORT, Checkout, copy_checkout, plot_rules

pytestmark = pytest.mark.workflow

RESULTS = "results/smoke/gluino"
RULES = "".join(path.read_text() for path in (REPOSITORY / "rules").rglob("*.smk"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """This checkout, run in an empty directory."""
    return Checkout(REPOSITORY, tmp_path_factory.mktemp("fresh"))


TRAININGS = {
    "gluino": {"smoke": 22, "quick": 20, "long": 26, "paper": 126},
    "darkmachines": {"smoke": 11, "quick": 14, "long": 109, "paper": 168},
    "jets": {"smoke": 12, "quick": 11, "long": 32, "paper": 32},
}
"""Number of trainings by study and preset."""
NOT_SCORED = 1
"""Trainings that no table of log-densities reads: the classifier of jets."""


@pytest.fixture(scope="module")
def all_studies(fresh: Checkout) -> Checkout:
    """The same with all studies."""
    return Checkout(fresh.root, fresh.directory, {"preset": "smoke", "studies": list(TRAININGS)})


def test_lint(all_studies: Checkout) -> None:
    status, said = all_studies.run("--lint")
    assert status == 0, said[-5000:]


@pytest.mark.parametrize("preset", TRAININGS["gluino"])
def test_presets_pass_a_dry_run(all_studies: Checkout, preset: str) -> None:
    plan = all_studies.plan(preset=preset)
    trainings = sum(by_preset[preset] for by_preset in TRAININGS.values())
    assert plan["train_model"] == trainings
    assert plan["score_events"] == trainings - NOT_SCORED
    assert plan["ingest_lhe"] == 2
    assert plan["ingest_simulated"] == 1
    assert set(plan) >= plot_rules(*TRAININGS)


@pytest.fixture(scope="module")
def everything(fresh: Checkout) -> set[str]:
    """Rules of a run of the gluino study."""
    return set(fresh.plan())


@pytest.mark.parametrize(
    ("config", "gone"),
    [
        (
            {"gluino": {"datasets": {"labels": {"models": []}}}},
            {"evaluate_label_likelihood", "plot_energy_by_colour"},
        ),
        (
            {"gluino": {"datasets": {"multiplicity": {"models": []}}}},
            {"prepare_multiplicity", "evaluate_p_four"},
        ),
        (
            {
                "gluino": {
                    "datasets": {
                        "angles": {"models": []},
                        "labels": {"models": ["classifier-sort"]},
                    }
                }
            },
            {"plot_log_likelihood", "plot_importance_bound"},
        ),
    ],
    ids=["no labels", "one multiplicity", "one model of labels"],
)
def test_part_without_models_is_left_out(
    fresh: Checkout, everything: set[str], config: dict[str, Any], gone: set[str]
) -> None:
    assert gone <= everything
    assert not gone & set(fresh.plan(**config))


@pytest.mark.parametrize(
    "profile",
    [("--workflow-profile", "slurm"), ("--profile", str(REPOSITORY / "workflow/profiles/slurm"))],
    ids=lambda words: words[0],
)
def test_slurm_profile_passes_a_dry_run(all_studies: Checkout, profile: tuple[str, str]) -> None:
    # The path in the profile is relative to the checkout, but this runs in another folder.
    partitions = str(REPOSITORY / "workflow/profiles/slurm/partitions.yaml")
    options = (*profile, "--slurm-partition-config", partitions, "--dry-run")
    status, said = all_studies.run(*options, preset="paper")
    assert status == 0, said[-5000:]


def test_htcondor_profile_passes_a_dry_run(all_studies: Checkout) -> None:
    # Its plugin is not installed: it warns at every start where HTCondor is not configured.
    options = ("--workflow-profile", "htcondor", "--executor", "local", "--dry-run")
    status, said = all_studies.run(*options, preset="paper")
    assert status == 0, said[-5000:]


def profile_of(name: str) -> dict[str, Any]:
    text = (REPOSITORY / "workflow/profiles" / name / "config.yaml").read_text()
    profile: dict[str, Any] = yaml.safe_load(text)
    return profile


def test_slurm_profile_gives_resources_to_rules_that_exist() -> None:
    profile = profile_of("slurm")
    rules = set(re.findall(r"^(?:use )?rule (?:\w+ as )?(\w+)", RULES, re.M))
    assert set(profile["set-resources"]) | set(profile["set-threads"]) <= rules
    assert profile["set-resources"]["train_model"]["gpu"] == 1


def test_htcondor_profile_asks_for_the_same() -> None:
    slurm, htcondor = profile_of("slurm"), profile_of("htcondor")
    assert htcondor["set-threads"] == slurm["set-threads"]
    assert htcondor["set-resources"].keys() == slurm["set-resources"].keys()
    for rule, wanted in slurm["set-resources"].items():
        assert htcondor["set-resources"][rule] == in_words_of_htcondor(wanted)
    everywhere = in_words_of_htcondor(slurm["default-resources"])
    assert htcondor["default-resources"] == {**everywhere, "getenv": True}
    shared = ("retries", "rerun-triggers", "rerun-incomplete", "keep-going", "latency-wait")
    assert [htcondor[key] for key in shared] == [slurm[key] for key in shared]


def in_words_of_htcondor(wanted: dict[str, int]) -> dict[str, int]:
    names = {"mem_mb": "htcondor_request_mem_mb", "gpu": "request_gpus", "runtime": "runtime"}
    asked = {names[name]: value for name, value in wanted.items()}
    if "runtime" in wanted:
        asked["allowed_execute_duration"] = 60 * wanted["runtime"]
    return asked


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"banana": 1}, "banana: unknown key; Allowed here: preset, run, studies, devices"),
        ({"training": {"batchsize": 5}}, "training.batchsize: unknown key; did you mean"),
        (
            {"gluino": {"flow": {"bins": "many"}}},
            "gluino.flow.bins: must be a whole number [bins], not 'many'",
        ),
        ({"gluino": {"source": "lhe"}}, "gluino.lhe.four_gluino: no file is given"),
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


def test_files_that_are_not_read_are_told(fresh: Checkout) -> None:
    _, said = fresh.run("--dry-run", gluino={"lhe": {"four_gluino": ["mine.lhe"]}})
    assert said.count("Warning: gluino.lhe names files, but gluino.source is embedded") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [("a{0}.lhe", "braces"), ("~/gone.lhe", "gone.lhe"), (".", "this is a folder")],
    ids=["braces", "home", "folder"],
)
def test_file_that_cannot_be_an_input(fresh: Checkout, name: str, message: str) -> None:
    status, said = fresh.run(gluino={"source": "lhe", "lhe": {"four_gluino": [name]}})
    assert status != 0
    (line,) = [line for line in said.splitlines() if "gluino.lhe.four_gluino" in line]
    assert message in line and "~" not in line


def test_environment_may_be_in_a_path_with_a_space(tmp_path: Path) -> None:
    environment = tmp_path / "an environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (environment / "lib").symlink_to(Path(sys.prefix) / "lib")
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", environment)
    target = f"{RESULTS}/events/embedded/two_gluino/chunk0.lhe.gz"
    _, *words = Checkout(REPOSITORY, tmp_path).command(target=target)
    command = [str(environment / "bin" / "python"), *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    assert (tmp_path / target).is_file()


def test_braces_in_the_path_of_a_checkout_are_one_line(tmp_path: Path) -> None:
    copy_checkout(tmp_path / "a{b}")
    status, said = Checkout(tmp_path / "a{b}", tmp_path).run("--dry-run")
    assert status != 0
    assert "rename the folder" in said.splitlines()[-1]


def test_madgraph_events_reach_the_truth(tmp_path: Path, shared_data: Path) -> None:
    checkout = Checkout(REPOSITORY, tmp_path)
    files = {
        "four_gluino": [str(shared_data / "madgraph/gg_4gluino_2k.lhe.gz")],
        "two_gluino": [str(shared_data / "madgraph/gg_2gluino_2k.lhe.gz")],
    }
    config: dict[str, Any] = {
        "gluino": {
            "source": "lhe",
            "lhe": files,
            "split": {"validation": 300, "test": 500},
            "datasets": {
                "labels": {"models": ["mixture-likelihood-sort"], "training": SHORT},
                "multiplicity": {"models": ["dropout-balanced-sort"], "training": SHORT},
            },
        },
    }
    tables = ("tables/truth.csv", "tables/events.csv", "tables/fig07_log_likelihood.csv")
    names = (*tables, "figures/fig10_discrete_log_likelihood.png")
    status, said = checkout.run(target=[f"{RESULTS}/{name}" for name in names], **config)
    assert status == 0, said[-5000:]
    rows = checkout.rows("events")
    assert [(row["source"], int(row["events"])) for row in rows] == [("lhe", 2000)] * 2
    (row,) = checkout.rows("truth")
    assert row.pop("density") == "kinematics", "colours of MadGraph have no known joint truth"
    truth = {key: float(value) for key, value in row.items()}
    errors = ("log_likelihood_truth_error", "normalisation_error", "coupling_error")
    error = math.hypot(*(truth[name] for name in errors))
    assert abs(truth["log_likelihood_truth"] - 2.91) < 4 * error
    assert truth["coupling_error"] > 0, "the coupling of these events runs"

    (row,) = checkout.rows("fig10_discrete_log_likelihood")
    assert {row[name] for name in row if "truth" in name} == {""}, "no joint truth for MadGraph"
    assert {row["process"] for row in checkout.rows("fig07_log_likelihood")} == {
        "four_gluino",
        "two_gluino",
    }
    assert all(float(row["kl_to_truth"]) > 0 for row in checkout.rows("fig07_log_likelihood"))

    config["gluino"]["datasets"]["angles"] = {"n_train": [1000, 1201]}
    status, said = checkout.run(target=f"{RESULTS}/inputs/angles.h5", **config)
    assert status != 0
    assert "angles.n_train: 1201 needs 1201 training events, but the files contain 1200" in said
    (checkout.results("inputs/angles.json")).unlink()
    status, _ = checkout.run(
        "--forcerun", "prepare_gluino", target=f"{RESULTS}/inputs/angles.h5", **config
    )
    log = checkout.results("logs/prepare_gluino/angles.log").read_text()
    assert status != 0
    assert "lhe/four_gluino.h5: there are 2000 events, but 2001 are needed" in log
    assert "lower split or n_train" in log
