"""Trainings with what is known of them."""

from pathlib import Path

import numpy as np
import pytest

from hepdensity.evaluation.runs import objective_name, read_run
from hepdensity.evaluation.scores import Scores, write_scores
from hepdensity.files import write_json
from hepdensity.ingest.event_file import write_events
from hepdensity.physics.events import Events, SampleYield


def test_a_run_is_read_from_its_files(tmp_path: Path) -> None:
    write_scores(tmp_path / "s.h5", Scores({"log_likelihood": np.ones(2)}, {"exact": True}), {})
    summary = {"steps": 3, "ended_by": "steps", "train_seconds": 0.5, "parameters": 9, "extra": 1}
    write_json(tmp_path / "t.json", summary)
    events = Events(np.zeros((4, 2, 4)), 3000.0, 600.0, "model", drawn=10, invalid=1)
    write_events(tmp_path / "x.h5", events, {})
    run = read_run(
        {"model": "m", "n_train": 5, "seed": 1},
        *(tmp_path / name for name in ("s.h5", "t.json", "x.h5", "x.h5")),
    )
    assert run.samples == (SampleYield(10, 4, 1),) * 2
    assert run.named("seed", "model") == {"seed": 1, "model": "m"}
    assert run.training() == {k: v for k, v in summary.items() if k != "extra"}
    assert bool(run.scores.attributes["exact"])
    assert run.samples[0].unphysical_fraction == pytest.approx(0.5)
    assert run.samples[0].invalid_fraction == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("objective", "name"),
    [("likelihood", "likelihood"), ([0.3, 0.7], "0.3, 0.7"), ([1, 0], "1, 0"), (None, None)],
    ids=["name", "vector", "whole numbers", "none"],
)
def test_names_of_objectives(objective: str | list[float] | None, name: str | None) -> None:
    assert objective_name(objective) == name
