"""Reference scores, on events of which the best possible score is known."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_channels import events, write_inputs
from scipy.stats import norm

from hepdensity.evaluation.anomaly import signal_improvement
from hepdensity.evaluation.scores import write_scores
from hepdensity.studies.darkmachines.evaluation.deep_svdd import SvddSettings
from hepdensity.studies.darkmachines.evaluation.reference_scores import (
    ReferenceSettings,
    reference_scores,
)
from hepdensity.studies.darkmachines.evaluation.references import (
    FIXED,
    OTHER_SIGNALS,
    SUPERVISED,
    References,
    read_references,
)

SETTINGS = ReferenceSettings(folds=3, trees=20, svdd=SvddSettings((16, 8), epochs=2))
SHIFTS = {"shifted": 1.0, "shifted_more": 1.5, "same": 0.0}
"""Signal -> shift of log MET in standard deviations; everything else is as in the background."""


def toy_events(random: np.random.Generator, n: int, shift: float) -> np.ndarray:
    rows = events(random, n, 4)
    rows[:, 0] = random.normal(4.5 + 0.4 * shift, 0.4, size=n)
    return rows


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> References:
    random, folder = np.random.default_rng(1), tmp_path_factory.mktemp("references")
    sizes = {"train": 4000, "validation": 500, "test": 3000}
    groups = {name: toy_events(random, size, 0.0) for name, size in sizes.items()}
    groups |= {name: toy_events(random, 1200, shift) for name, shift in SHIFTS.items()}
    groups["unlabelled"] = toy_events(random, 30, 0.0)
    path = write_inputs(folder / "1-max4.h5", groups, 4)
    write_scores(folder / "1.h5", reference_scores(path, list(SHIFTS), SETTINGS), {})
    return read_references(folder / "1.h5")


def auc(references: References, name: str, signal: str) -> float:
    scores = references.background(name, signal), references.of(name, signal)
    return signal_improvement(*scores).auc


@pytest.mark.parametrize("signal", ["shifted", "shifted_more"])
def test_a_classifier_that_knows_the_signal_comes_close_to_the_best_score(
    references: References, signal: str
) -> None:
    """Best is the likelihood ratio, which rises with MET: AUC = Phi(shift / sqrt 2)."""
    best = norm.cdf(SHIFTS[signal] / np.sqrt(2))
    error = 0.01
    assert best - 0.03 - 4 * error < auc(references, SUPERVISED, signal) < best + 4 * error
    assert auc(references, "met", signal) == pytest.approx(best, abs=4 * error)


def test_cross_fitting_learns_nothing_by_heart(references: References) -> None:
    """A signal that is background: a classifier tested on its training events would see it."""
    assert auc(references, SUPERVISED, "same") == pytest.approx(0.5, abs=0.04)


def test_other_signals_teach_what_they_share(references: References) -> None:
    """It learnt MET from the other shifted signal."""
    assert auc(references, OTHER_SIGNALS, "shifted") > 0.65


def test_all_groups_have_all_scores(references: References) -> None:
    assert references.names() == [*FIXED, SUPERVISED, OTHER_SIGNALS]
    for name in FIXED:
        for group, size in (
            ("validation", 500),
            ("test", 3000),
            ("same", 1200),
            ("unlabelled", 30),
        ):
            assert references.of(name, group).shape == (size,)
        assert references.background(name, "same") is references.of(name, "test")
    assert not references.has(SUPERVISED, "unlabelled")
    assert references.n_train == {
        **dict.fromkeys(("met", "ht", "meff"), 0),
        **dict.fromkeys(("deep-svdd", "isolation-forest"), 4000),
        **dict.fromkeys((SUPERVISED, OTHER_SIGNALS), 4500),
    }


def small(folder: Path, signals: dict[str, int], **more: int) -> Path:
    random = np.random.default_rng(2)
    sizes = {"train": 300, "validation": 60, "test": 100, **signals, **more}
    return write_inputs(
        folder / "1-max4.h5", {name: events(random, size, 4) for name, size in sizes.items()}, 4
    )


def test_signals_of_one_family_are_not_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = small(tmp_path, {"a1": 60, "a2": 60})
    settings = ReferenceSettings.from_dict(
        {"folds": 2, "trees": 5, "svdd": {"widths": [4], "epochs": 1}, "families": {"a1": "a"}}
    )
    with caplog.at_level(logging.WARNING):
        scores = reference_scores(path, ["a1", "a2"], settings)
    assert "other-signals@a1" in scores.arrays
    assert "a1: 60 events are too few for a supervised ceiling" in caplog.text
    families = {"a1": "a", "a2": "a"}
    write_scores(
        tmp_path / "1.h5",
        reference_scores(
            path,
            ["a1", "a2"],
            replace(settings, background=100, families=families),
        ),
        {},
    )
    found = read_references(tmp_path / "1.h5")
    assert OTHER_SIGNALS not in found.names()
    assert SUPERVISED in found.names()
    assert found.n_train["isolation-forest"] == 100


def test_a_group_without_events_is_an_error(tmp_path: Path) -> None:
    path = small(tmp_path, {"a": 60, "empty": 0})
    with pytest.raises(ValueError, match=r"1-max4\.h5: the group empty has no events; provide"):
        reference_scores(path, ["a", "empty"])
    with pytest.raises(ValueError, match="the group b has no events"):
        reference_scores(path, ["b"])


def test_only_the_wanted_references_are_made(tmp_path: Path) -> None:
    path = small(tmp_path, {"a": 60, "b": 60})
    scores = reference_scores(path, ["a", "b"], ReferenceSettings(made=("isolation-forest",)))
    write_scores(tmp_path / "1.h5", scores, {})
    assert read_references(tmp_path / "1.h5").names() == ["met", "ht", "meff", "isolation-forest"]
