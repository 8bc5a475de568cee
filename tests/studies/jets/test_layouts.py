"""Names of datasets and the columns that they have."""

import pytest

from hepdensity.studies.jets.layouts import JetDataset, layout_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("qcd", JetDataset("qcd")),
        ("qcd-paper", JetDataset("qcd", "log_rest")),
        ("z_1-log-leading12", JetDataset("z_1", "log", 12)),
        ("top-known", JetDataset("top", known=True)),
        ("qcd-vs-top", JetDataset("qcd", other="top")),
    ],
)
def test_names(name: str, expected: JetDataset) -> None:
    assert JetDataset.parse(name) == expected


@pytest.mark.parametrize("name", ["", "1qcd", "qcd-", "qcd-leading0", "qcd-known-vs-top", "qcd-x"])
def test_other_names(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a dataset: <process>, then -paper"):
        JetDataset.parse(name)


def test_processes() -> None:
    assert JetDataset.parse("qcd").processes == ("qcd",)
    assert JetDataset.parse("qcd-vs-top").processes == ("qcd", "top")


def test_columns() -> None:
    layout = layout_of("log_rest", 3)
    assert [column.name for column in layout.event] == ["logit_pt", "logit_eta", "log_mass"]
    assert layout.index("log_rest", 2) == 3 + 3 * 2 + 2
    assert [one.particles for one in layout.sets] == [1, 2, 3]
    labelled = layout_of("logit", 2, labelled=True)
    assert labelled.index("label") == labelled.features - 1 == 9
