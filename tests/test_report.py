"""The report: its front page, and the captions of figures and tables."""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

from hepdensity.configuration import SCALES, effective_configuration, load_study, study_names

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
FRONT_PAGE = WORKFLOW / "report" / "workflow.rst"
CAPTIONS = sorted(
    [*(WORKFLOW / "report").glob("*.rst"), *(WORKFLOW / "studies").glob("*/report/*.rst")]
)

MADE_UP: dict[str, Any] = {
    "preset": "quick",
    "studies": ["one", "two"],
    "one": {
        "source": "lhe",
        "split": {"validation": 5, "test": 7},
        "datasets": {
            "plain": {"models": ["a", "b"], "n_train": [10, 20], "seeds": [1, 2]},
            "mixed": {"models": ["c"], "n_train": [10], "seeds": [1]},
            "unused": {"models": [], "n_train": [10], "seeds": [1]},
        },
    },
    "two": {"datasets": {"plain": {"models": ["d"], "n_train": [30], "seeds": [3]}}},
}


def html(source: str, config: Mapping[str, Any], curves: Sequence[tuple[str, str]] = ()) -> str:
    """Render a template with Snakemake's settings; warnings are errors."""
    paths = [Path(f"results/run/{study}/figures/training_curves_{d}.png") for study, d in curves]
    text = (
        Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
        .from_string(source)
        .render(
            snakemake=SimpleNamespace(config=config),
            files=[SimpleNamespace(path=path) for path in paths],
            categories={},
        )
    )
    settings = {"halt_level": 2, "report_level": 2, "warning_stream": io.StringIO()}
    return str(publish_parts(text, writer="html", settings_overrides=settings)["html_body"])


def items(page: str) -> list[str]:
    """Text of each list item, without that of the items inside it."""
    starts = re.split(r"<li>", page)[1:]
    return [" ".join(re.sub(r"<[^>]+>", "", text.split("</li>")[0]).split()) for text in starts]


def test_front_page_has_an_item_for_each_study_and_dataset() -> None:
    curves = [("one", "plain"), ("one", "mixed"), ("two", "plain")]
    assert items(html(FRONT_PAGE.read_text(), MADE_UP, curves)) == [
        "one, events from source lhe",
        "plain: a, b; training events 10, 20; seeds 1, 2",
        "mixed: c; training events 10; seeds 1",
        "validation events 5, test events 7",
        "two",
        "plain: d; training events 30; seeds 3",
    ]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({}, "test events 60 % of all, validation events 15 % of the others"),
        (
            {"folds": 5},
            "each event is a test event of one of 5 folds; validation events 15 % of the others",
        ),
    ],
)
def test_front_page_says_which_part_of_the_events_is_for_testing(
    section: dict[str, Any], said: str
) -> None:
    split = {"validation": 0.15, "test": 0.6}
    config = {**MADE_UP, "studies": ["two"], "two": {**MADE_UP["two"], **section, "split": split}}
    assert items(html(FRONT_PAGE.read_text(), config))[-1] == said


def test_front_page_knows_datasets_with_folds() -> None:
    found = items(html(FRONT_PAGE.read_text(), MADE_UP, [("two", "plain-fold0of3")]))
    assert "plain: d; training events 30; seeds 3" in found


def test_front_page_has_nested_lists() -> None:
    page = html(FRONT_PAGE.read_text(), MADE_UP, [("one", "plain")])
    assert page.count("<ul") == 1 + len(MADE_UP["studies"])


def test_front_page_says_which_datasets_were_not_done() -> None:
    found = items(html(FRONT_PAGE.read_text(), MADE_UP, [("one", "plain"), ("two", "plain")]))
    assert "mixed: not in this report" in found
    assert not any(text.startswith("unused") for text in found)


@pytest.mark.parametrize("preset", SCALES)
def test_front_page_of_every_preset(preset: str) -> None:
    config = effective_configuration(
        {"studies": study_names(WORKFLOW)}, {"preset": preset}, WORKFLOW
    )
    studies = {name: load_study(name, config) for name in config["studies"]}
    curves = [(name, dataset) for name, one in studies.items() for dataset in one.datasets()]
    found = items(html(FRONT_PAGE.read_text(), config, curves))
    splits = sum("split" in config[name] for name in studies)
    assert len(found) == len(studies) + len(curves) + splits
    for name, study in studies.items():
        for model in study.models():
            assert any(re.search(rf"[ :]{model}[,;]", text) for text in found), (name, model)


def named(path: Path) -> str:
    """Study and name of a caption."""
    return f"{path.parents[1].name}-{path.stem}"


@pytest.fixture(scope="module")
def configuration() -> Mapping[str, Any]:
    """Configuration of all studies."""
    return effective_configuration({"studies": study_names(WORKFLOW)}, {}, WORKFLOW)


@pytest.mark.parametrize("path", CAPTIONS, ids=named)
def test_captions_are_valid(path: Path, configuration: Mapping[str, Any]) -> None:
    assert html(path.read_text(), configuration).strip()


@pytest.mark.parametrize("path", CAPTIONS, ids=named)
def test_captions_are_wrapped(path: Path) -> None:
    assert max(map(len, path.read_text().splitlines())) <= 100
