"""Snippets in the docs work when pasted."""

import re
from pathlib import Path

import pytest

from hepdensity.configuration import effective_configuration, load_yaml

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
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
