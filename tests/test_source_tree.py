"""Source digests change with the code that a script runs, and with nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hepdensity.source_tree import SourceTree

FLOW = '"""Doc."""\nfrom . import base\n\nclass Flow(base.Base):\n    x = 1\n'
SCRIPT = """
from hepdensity.models.flow import Flow

def main():
    from hepdensity import late
    return Flow, late
"""
FILES = {
    "scripts/train.py": SCRIPT,
    "lib/hepdensity/__init__.py": "",
    "lib/hepdensity/models/__init__.py": "",
    "lib/hepdensity/models/flow.py": FLOW,
    "lib/hepdensity/models/base.py": "import math\n\nclass Base:\n    pass\n",
    "lib/hepdensity/late.py": "import hepdensity.deep as deep\n",
    "lib/hepdensity/deep.py": "VALUE = {**{}, 'a': f'{1}'}\n",
    "lib/hepdensity/plotting.py": "COLOUR = 'red'\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(tree: Path) -> None:
        text = (tree / name).read_text()
        assert old in text
        (tree / name).write_text(text.replace(old, new))

    return edit


def write(name: str, text: str) -> Callable[[Path], None]:
    def edit(tree: Path) -> None:
        (tree / name).write_text(text)

    return edit


def test_follows_imports_in_the_library(tree: Path) -> None:
    assert set(SourceTree(tree / "lib").imported_modules(tree / "scripts/train.py")) == {
        "hepdensity",
        "hepdensity.models",
        "hepdensity.models.flow",
        "hepdensity.models.base",
        "hepdensity.late",
        "hepdensity.deep",
    }


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(replace("scripts/train.py", "return Flow, late", "return Flow"), id="script"),
        pytest.param(replace("lib/hepdensity/models/flow.py", "x = 1", "x = 2"), id="direct"),
        pytest.param(replace("lib/hepdensity/models/base.py", "pass", "y = 0"), id="relative"),
        pytest.param(replace("lib/hepdensity/deep.py", "'a'", "'b'"), id="inside a function"),
        pytest.param(write("lib/hepdensity/models/__init__.py", "x = 1\n"), id="package"),
        pytest.param(
            replace("lib/hepdensity/models/base.py", "import math", "import cmath"), id="import"
        ),
    ],
)
def test_changes_with_what_is_run(tree: Path, edit: Callable[[Path], None]) -> None:
    before = SourceTree(tree / "lib").digest(tree / "scripts/train.py")
    edit(tree)
    assert SourceTree(tree / "lib").digest(tree / "scripts/train.py") != before


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(replace("lib/hepdensity/plotting.py", "red", "blue"), id="other module"),
        pytest.param(replace("lib/hepdensity/models/flow.py", "Doc.", "More."), id="docstring"),
        pytest.param(replace("lib/hepdensity/models/flow.py", '"""Doc."""', ""), id="no docstring"),
        pytest.param(
            replace("lib/hepdensity/models/flow.py", "x = 1", "x  =  1  # why"), id="comment"
        ),
        pytest.param(
            replace("scripts/train.py", "def main():", "def main():\n    '''Doc.'''"), id="function"
        ),
        pytest.param(
            replace("lib/hepdensity/models/base.py", "pass", "'''Doc.'''\n    pass"), id="class"
        ),
    ],
)
def test_keeps_when_nothing_else_is_run(tree: Path, edit: Callable[[Path], None]) -> None:
    before = SourceTree(tree / "lib").digest(tree / "scripts/train.py")
    edit(tree)
    assert SourceTree(tree / "lib").digest(tree / "scripts/train.py") == before


def test_scripts_in_folders_count_what_they_import(tree: Path) -> None:
    script = tree / "scripts/study/train.py"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    before = SourceTree(tree / "lib").digest(script)
    replace("lib/hepdensity/models/base.py", "pass", "y = 2")(tree)
    assert SourceTree(tree / "lib").digest(script) != before


def test_named_modules_count_with_what_they_import(tree: Path) -> None:
    script, named = tree / "scripts/train.py", ["hepdensity.plotting"]
    (tree / "lib/hepdensity/plotting.py").write_text("from hepdensity import colours\n")
    (tree / "lib/hepdensity/colours.py").write_text("RED = 1\n")
    sources = SourceTree(tree / "lib")
    without, before = sources.digest(script), sources.digest(script, named)
    (tree / "lib/hepdensity/colours.py").write_text("RED = 2\n")
    assert SourceTree(tree / "lib").digest(script) == without != before
    assert SourceTree(tree / "lib").digest(script, named) != before


def test_same_on_every_machine_and_python(tree: Path) -> None:
    assert SourceTree(tree / "lib").digest(tree / "scripts/train.py") == "a6fe7de374e87f22"


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "train.py: cannot read the source"), ("x = (\n", "train.py: line 1: ")],
    ids=["missing", "syntax"],
)
def test_unusable_script_is_named(tree: Path, text: str | None, message: str) -> None:
    script = tree / "scripts/train.py"
    if text is None:
        script.unlink()
    else:
        script.write_text(text)
    with pytest.raises(ValueError, match=message):
        SourceTree(tree / "lib").digest(script)
