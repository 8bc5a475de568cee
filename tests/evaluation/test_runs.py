"""Trainings with their scores and summaries."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hepdensity.evaluation.runs import EvaluatedRun, objective_name, read_runs, read_truth
from hepdensity.evaluation.scores import Scores, write_scores
from hepdensity.files import write_json

SUMMARY = {"steps": 3, "ended_by": "steps", "train_seconds": 0.5, "parameters": 9}


def write_training(folder: Path, seed: int) -> tuple[Path, Path]:
    """Scores and a summary of a training, different for each seed."""
    scores, summary = folder / f"s{seed}.h5", folder / f"t{seed}.json"
    write_scores(scores, Scores({"log_likelihood": np.full(2, seed)}, {"exact": True}), {})
    write_json(summary, {**SUMMARY, "steps": seed, "extra": 1})
    return scores, summary


def read(tmp_path: Path, *samples: list[str]) -> list[EvaluatedRun]:
    runs = [{"model": "m", "n_train": 5, "seed": seed} for seed in (1, 2)]
    scores, summaries = zip(*(write_training(tmp_path, seed) for seed in (1, 2)), strict=True)
    return read_runs(runs, scores, summaries, *samples)


def test_runs_are_read_from_their_files(tmp_path: Path) -> None:
    for seed, run in enumerate(read(tmp_path, ["a1", "a2"], ["b1", "b2"]), start=1):
        assert run.named("seed", "model") == {"seed": seed, "model": "m"}
        assert run.training() == {**SUMMARY, "steps": seed}
        assert bool(run.scores.attributes["exact"])
        assert (run.scores.arrays["log_likelihood"] == seed).all()
        assert run.samples == (f"a{seed}", f"b{seed}")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"exact": True}, {"exact": True, "draws": None}),
        ({"exact": False, "draws": [1, 4, 9]}, {"exact": False, "draws": 9}),
    ],
    ids=["exact", "bound"],
)
def test_tables_tell_exact_values_from_bounds(
    tmp_path: Path, attributes: dict[str, Any], expected: dict[str, Any]
) -> None:
    write_scores(tmp_path / "s.h5", Scores({"log_likelihood": np.ones(2)}, attributes), {})
    write_json(tmp_path / "t.json", SUMMARY)
    (run,) = read_runs([{"model": "m"}], [tmp_path / "s.h5"], [tmp_path / "t.json"])
    found = run.exactness()
    assert found == expected
    assert list(map(type, found.values())) == list(map(type, expected.values()))


def test_runs_need_no_samples(tmp_path: Path) -> None:
    assert [run.samples for run in read(tmp_path)] == [(), ()]


def test_every_run_has_its_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        read(tmp_path, ["a1"])


def test_truth_is_read_where_the_rule_has_it(tmp_path: Path) -> None:
    write_scores(tmp_path / "truth.h5", Scores({"log_prob": np.ones(3)}, {}), {})
    truth = read_truth({"truth": str(tmp_path / "truth.h5"), "scores": []})
    assert truth is not None and len(truth.arrays["log_prob"]) == 3
    assert read_truth({"scores": []}) is None


@pytest.mark.parametrize(
    ("objective", "name"),
    [("likelihood", "likelihood"), ([0.3, 0.7], "0.3, 0.7"), ([1, 0], "1, 0"), (None, None)],
    ids=["name", "vector", "whole numbers", "none"],
)
def test_names_of_objectives(objective: str | list[float] | None, name: str | None) -> None:
    assert objective_name(objective) == name
