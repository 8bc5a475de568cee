"""Trainings of all studies in the same columns."""

from pathlib import Path

from hepdensity.evaluation.estimates import Estimate
from hepdensity.evaluation.estimators import by_study, estimator_row
from hepdensity.files import write_table

RUN = {"dataset": "d", "model": "m", "kind": "flow", "n_train": 5, "seed": 1, "look": {}}
SUMMARY = {"steps": 3, "ended_by": "steps", "train_seconds": 0.5, "parameters": 9}


def test_tables_of_studies_follow_each_other(tmp_path: Path) -> None:
    rows = [
        estimator_row(
            {**RUN, "study": "first"},
            SUMMARY,
            log_likelihood=Estimate(-2.0, 0.1),
            exact=True,
            auc=0.7,
            auc_of="a signal",
            ms_per_event=0.2,
        ),
        estimator_row({**RUN, "study": "second"}, SUMMARY),
    ]
    paths = [tmp_path / f"{row['study']}.csv" for row in rows]
    for path, row in zip(paths, rows, strict=True):
        write_table(path, [row])
    found = by_study({"estimators": paths}, {})
    assert found == rows
    assert found[0]["log_likelihood"] == -2.0 and found[0]["auc_of"] == "a signal"


def test_without_a_value_nothing_is_said_of_it() -> None:
    row = estimator_row({**RUN, "study": "s"}, SUMMARY, auc_of="a signal", max_si_of="a signal")
    empty = ("log_likelihood", "log_likelihood_error", "exact", "auc", "auc_of", "max_si_of")
    assert {row[name] for name in empty} == {None}
    assert (row["steps"], row["train_seconds"], row["parameters"]) == (3, 0.5, 9)
