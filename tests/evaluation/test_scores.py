"""Score files."""

from pathlib import Path

import numpy as np

from hepdensity.evaluation.scores import Scores, read_scores, write_group_scores, write_scores
from hepdensity.files import read_provenance


def test_a_group_alone_is_a_file_of_one_group(tmp_path: Path) -> None:
    scores = {"test": Scores({"a": np.ones(2)}, {"exact": True})}
    write_group_scores(tmp_path / "one.h5", scores, {}, alone="test")
    assert read_scores(tmp_path / "one.h5").arrays["a"].tolist() == [1.0, 1.0]
    write_group_scores(tmp_path / "all.h5", scores, {}, alone="all")
    assert read_scores(tmp_path / "all.h5", "test").arrays["a"].tolist() == [1.0, 1.0]


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "scores.h5"
    arrays = {"log_likelihood": np.array([1.0, -np.inf, np.pi])}
    write_scores(path, Scores(arrays, {"normalisation_error": 1e-3}), {"seed": 3})
    scores = read_scores(path)
    np.testing.assert_array_equal(scores.arrays["log_likelihood"], arrays["log_likelihood"])
    assert scores.attributes == {"normalisation_error": 1e-3}
    assert read_provenance(path) == {"seed": 3}
