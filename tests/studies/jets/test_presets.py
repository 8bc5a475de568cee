"""The presets of the study agree with what can be simulated and trained."""

from typing import Any

import pytest
from jets_study import MODELS, PRESETS

from hepdensity.configuration import overlay
from hepdensity.studies.jets.layouts import JetDataset
from hepdensity.studies.jets.processes import PROCESSES

NAMES = [name for name in PRESETS if name != "common"]


@pytest.fixture(params=NAMES)
def section(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = overlay(PRESETS["common"], PRESETS[request.param])
    return found


def test_processes_can_be_simulated(section: dict[str, Any]) -> None:
    assert set(section["processes"]) == set(section["simulated"]["jets"]) <= set(PROCESSES)


def test_there_are_enough_jets(section: dict[str, Any]) -> None:
    """What is simulated is enough for the largest training of each process."""
    split = section["split"]
    for name, part in section["datasets"].items():
        dataset = JetDataset.parse(name)
        needed = split["test"] + split["validation"] + max(part["n_train"])
        if dataset.known:
            assert section["samples"] >= needed
        else:
            for process in dataset.processes:
                assert section["simulated"]["jets"][process] >= needed


def test_models_are_named(section: dict[str, Any]) -> None:
    trained = {model for part in section["datasets"].values() for model in part["models"]}
    assert trained <= set(MODELS)
    assert section["known_truth"]["truth"] in MODELS
    assert set(section["solvers"]["models"]) <= set(MODELS)


def test_both_densities_of_a_ratio_are_trained(section: dict[str, Any]) -> None:
    for background, signal in section["known_truth"]["pairs"]:
        assert {f"{background}-known", f"{signal}-known"} <= set(section["datasets"])


def test_the_truth_is_of_another_family_and_network_than_what_learns_it(
    section: dict[str, Any],
) -> None:
    truth = MODELS[section["known_truth"]["truth"]]
    for name, part in section["datasets"].items():
        if JetDataset.parse(name).known:
            for model in part["models"]:
                assert MODELS[model]["objective"] != truth["objective"]
                assert MODELS[model].get("network", "full") != truth["network"]
