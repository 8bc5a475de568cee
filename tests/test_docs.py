"""Snippets in the docs work when pasted."""

import re
from pathlib import Path

import pytest

from hepdensity.configuration import SCALES, effective_configuration, load_yaml

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
PROSE = [*PAGES, REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "CHANGELOG.md"]
FOLDERS = ("benchmarks", "docs", "envs", "lib", "rules", "scripts", "tests", "workflow")
EXAMPLES = re.compile(r"independent|polar_angle|best_scores|npy|toy/")
"""Files that docs/extending.md tells readers to write."""
DURATIONS = {
    "ten minutes": (
        *("README.md", "Makefile", "docs/workflow.md", "docs/results.md"),
        "workflow/presets/quick.yaml",
    ),
    "about four minutes": ("README.md", "docs/workflow.md", "workflow/presets/smoke.yaml"),
}
SNIPPETS = [
    pytest.param(text, id=f"{page.name}-{i + 1}")
    for page in PAGES
    for i, text in enumerate(
        re.findall(r"<!-- config\.yaml -->\n+```yaml\n(.*?)```", page.read_text(), re.S)
    )
]
# The reader's own files and builders, which these snippets name.
ABSENT = re.compile(r"no such file|no model builder")


def test_docs_have_snippets() -> None:
    assert len(SNIPPETS) >= 3


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_can_be_pasted_into_config_yaml(snippet: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text((REPOSITORY / "config.yaml").read_text() + "\n" + snippet)
    try:
        effective_configuration(load_yaml(path), {}, REPOSITORY / "workflow", [path])
    except ValueError as error:
        assert ABSENT.search(str(error)), error


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def words_of(path: Path) -> str:
    """Text in one line, comment signs left out."""
    return " ".join(path.read_text().replace("#", " ").split())


def prose_lines(text: str) -> list[str]:
    """Lines of a page without code, tables, pictures and links."""
    kept = re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines()
    return [line for line in kept if not re.match(r"\s*(\||!\[| {4})", line) and "](" not in line]


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_prose_is_wrapped(page: Path) -> None:
    assert [line for line in prose_lines(page.read_text()) if len(line) > 100] == []


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+)`", page.read_text())
    gone = {name for name in named if not (REPOSITORY / name).exists()}
    assert {name for name in gone if not EXAMPLES.search(name)} == set()


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_rules_that_are_named_exist(page: Path) -> None:
    rules = "\n".join(path.read_text() for path in (REPOSITORY / "rules").rglob("*.smk"))
    declared = set(re.findall(r"^(?:use )?rule (?:\w+ as )?(\w+)", rules, flags=re.MULTILINE))
    named = re.findall(r"rules? `(\w+)`", page.read_text())
    assert {name for name in named if not EXAMPLES.search(name)} <= declared


@pytest.mark.parametrize("duration", DURATIONS)
def test_durations_are_the_same_everywhere(duration: str) -> None:
    for name in DURATIONS[duration]:
        assert duration in words_of(REPOSITORY / name), name


@pytest.mark.parametrize("preset", SCALES)
def test_table_of_presets_agrees_with_them(preset: str) -> None:
    config = effective_configuration(
        {"studies": ["gluino"]}, {"preset": preset}, REPOSITORY / "workflow"
    )
    page = (REPOSITORY / "docs/workflow.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| `{preset}`"))
    sizes, seeds, flow, ends = (cell.strip() for cell in row.split("|")[2:6])
    datasets, training = config["gluino"]["datasets"], config["training"]
    flows = config["gluino"]["flow"]
    for name, part in datasets.items():
        for size in (min(part["n_train"]), max(part["n_train"])):
            assert f"{size:,}" in sizes, name
        assert str(len(part["seeds"])) in seeds, name
        steps = {**training, **part.get("training", {})}["max_steps"]
        assert ("stop rules" if steps is None else f"{steps:,}") in ends, name
    assert flow in (f"{flows['layers']} layers, {flows['bins']} bins", "table 1")


@pytest.mark.parametrize("page", ["README.md", "docs/workflow.md"])
def test_number_of_events_for_the_default_preset(page: str) -> None:
    config = effective_configuration({"studies": ["gluino"]}, {}, REPOSITORY / "workflow")["gluino"]
    largest = max(size for part in config["datasets"].values() for size in part["n_train"])
    text = words_of(REPOSITORY / page)
    for count in (largest, *config["split"].values(), largest + sum(config["split"].values())):
        assert f"{count:,}" in text


def test_example_of_a_study_is_the_toy_study() -> None:
    page = (REPOSITORY / "docs/extending.md").read_text()
    toy = REPOSITORY / "tests" / "toy_study"
    for name in ("lib/hepdensity/studies/toy/study.py", "rules/toy/preprocess.smk"):
        assert f"`{name}`" in page
        assert (toy / name).read_text() in page
