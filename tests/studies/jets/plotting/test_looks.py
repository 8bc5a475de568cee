"""Which trainings figures show, and in which colours."""

import pytest

from hepdensity.studies.jets.plotting.looks import (
    colour_of,
    drawn_runs,
    name_of,
    trained_processes,
)


def run(dataset: str, objective: str, n_train: int = 5, seed: int = 1, model: str = "m") -> dict:
    given = {"dataset": dataset, "objective": objective, "model": model}
    return {**given, "n_train": n_train, "seed": seed}


def test_one_training_per_loss() -> None:
    runs = [
        run("qcd", "standard", 5),
        run("qcd", "standard", 9, 1),
        run("qcd", "standard", 9, 2),
        run("qcd", "standard", 9, model="other"),
        run("qcd", "flow-matching", 9),
        run("qcd-paper", "standard", 9),
        run("top", "standard", 9),
    ]
    assert drawn_runs(runs, "qcd") == [runs[1], runs[4]]
    assert drawn_runs(runs, "zprime") == []
    assert trained_processes(runs) == ["qcd", "top"]


@pytest.mark.parametrize("processes", [["qcd", "top", "a", "b", "c"], ["a", "b"]])
def test_colours(processes: list[str]) -> None:
    own = {name: colour_of(name, processes) for name in processes}
    assert own["a"] != own["b"]
    assert colour_of("qcd", processes) not in (own["a"], own["b"])
    assert (name_of("qcd"), name_of("a")) == ("QCD", "a")
