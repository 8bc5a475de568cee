"""The structure of the project: which modules may import which, and what must be consistent."""

import ast
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import yaml

from hepdensity.source_tree import SourceTree

REPOSITORY = Path(__file__).resolve().parents[1]
LIBRARY = REPOSITORY / "lib"
SOURCES = SourceTree(LIBRARY)
MODULES = sorted((LIBRARY / "hepdensity").rglob("*.py"))
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]
CODE = [path for path in MODULES if path.name != "__init__.py"]
SCRIPTS = sorted((REPOSITORY / "scripts").rglob("*.py"))
RULE_FILES = sorted((REPOSITORY / "rules").rglob("*.smk"))
RULE_TEXT = "\n".join(path.read_text() for path in RULE_FILES)
VERBS = (
    *("generate_", "ingest_", "prepare_", "train_", "score_", "evaluate_"),
    *("draw_", "join_", "make_", "plot_"),
)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(LIBRARY / "hepdensity").with_suffix("").parts)


FOUNDATION = {
    *("disk", "files", "provenance", "logs", "named", "numbering", "checkpoint", "walltime"),
    "compilation",
}
PHYSICS = FOUNDATION | {"physics"}
LAYOUT = {"models.layout"}
ALLOWED: dict[str, set[str]] = {
    "disk": set(),
    "files": {"disk"},
    "provenance": set(),
    "source_tree": set(),
    "logs": {"disk"},
    "checkpoint": {"files"},
    "walltime": set(),
    "compilation": set(),
    "named": set(),
    "numbering": set(),
    "physics": FOUNDATION,
    "models.kind": set(),
    "models.kinds": {"models.kind"},
    "models.registry": {"models.kind", "models.kinds"},
    "models.layout": set(),
    "models.base": LAYOUT,
    "models.factorised": {"models.base"},
    "models.build": {"models.base", "named", "checkpoint", *LAYOUT},
    "models.inputs": {"files", *LAYOUT},
    "models.networks": PHYSICS,
    "models.layers": {"models.base", "models.networks", *LAYOUT, *PHYSICS},
    "models.flows": {"models.layers", "models.networks", "models.base", *LAYOUT, *PHYSICS},
    "models.diffusion": {
        *("models.layers", "models.networks", "models.base", "models.factorised"),
        *LAYOUT,
        *PHYSICS,
    },
    "models.set_classifier": {"models.layers", "models.networks", "models.base", *LAYOUT},
    "models.classifier": {
        *("models.flows", "models.layers", "models.networks", "models.base"),
        *LAYOUT,
        *PHYSICS,
    },
    "study": {"models.kind", "models.registry", "files"},
    "configuration": {"models.kind", "models.registry", "study", "files"},
    "generate": PHYSICS,
    "ingest": PHYSICS,
    "preprocessing": PHYSICS,
    "training": {"models.base", *FOUNDATION},
    "evaluation": {"models.base", "models.factorised", "models.inputs", *LAYOUT, *PHYSICS},
    "plotting": {"evaluation", "models.kind", *PHYSICS},
}
"""What a part may import besides itself; a study may import anything except other studies."""
LIGHT = ("configuration", "study", "models.registry", "models.kind")
"""Modules that the workflow imports when parsed, besides `study` and `kinds` of every study."""
HEAVY = {"torch", "matplotlib", "mplhep", "numba", "uproot", "awkward", "scipy", "sklearn"}
BARE_NODE = {"torch", "numpy", "h5py", "safetensors", "numba", "rich"}
"""Packages on a node that is used only for training."""
SHARED = [
    path
    for path in CODE
    if module_name(path).split(".")[0] not in ("physics", "generate", "ingest", "studies")
]
WORDS = re.compile(
    r"gluino|helicit|colou?r[_ ]?(?:order|trace|flow|tag)|gluon|dark[_ ]?machines", re.IGNORECASE
)


def library_path(module: str) -> Path:
    return LIBRARY.joinpath("hepdensity", *module.split("."))


def part_of(module: str) -> str:
    """Row of the table above for a module, named without `hepdensity.`."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ("models", "studies") else parts[0]


def imports_of(path: Path) -> set[str]:
    """Our modules (without `hepdensity.`) that a file imports, excluding packages."""
    names = SOURCES.direct_imports(path) - {"hepdensity"}
    names = {name.removeprefix("hepdensity.") for name in names}
    return {name for name in names if not library_path(name).is_dir()}


def called_names(path: Path) -> set[str]:
    """Names and attribute chains such as `snakemake.config` in a file."""
    tree = ast.parse(path.read_text())
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def foreign_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names - set(sys.stdlib_module_names)


def rules() -> dict[str, str]:
    """Rule name -> text of its declaration."""
    header = r"^((?:use )?rule (?:\w+ as )?(\w+)(?: with)?:)\n"
    blocks = re.split(header, RULE_TEXT, flags=re.MULTILINE)[1:]
    texts = (first + "\n" + body for first, body in zip(blocks[::3], blocks[2::3], strict=True))
    return dict(zip(blocks[1::3], texts, strict=True))


def pins(lines: list[str]) -> dict[str, str]:
    found = (re.match(r"\s*-?\s*([\w.-]+)==(\S+)\s*$", line) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


@pytest.mark.parametrize("path", CODE, ids=module_name)
def test_imports_go_one_way(path: Path) -> None:
    part = part_of(module_name(path))
    imported = {part_of(name) for name in imports_of(path)} - {part}
    if part.startswith("studies."):
        assert not [name for name in imported if name.startswith("studies.")]
        return
    assert part in ALLOWED, f"{part} is not in the table of import directions"
    assert imported <= ALLOWED[part]


@pytest.mark.parametrize("path", SHARED, ids=module_name)
def test_shared_code_knows_no_study(path: Path) -> None:
    assert WORDS.findall(path.read_text()) == []


@pytest.mark.parametrize(
    "path",
    [
        *sorted((REPOSITORY / "rules").glob("*.smk")),
        *sorted((REPOSITORY / "scripts").glob("*.py")),
        *sorted((REPOSITORY / "workflow/presets").glob("*.yaml")),
        *sorted((REPOSITORY / "workflow/schemas").glob("*.yaml")),
        *sorted((REPOSITORY / "workflow/report").glob("*.rst")),
        REPOSITORY / "workflow/Snakefile",
    ],
    ids=lambda path: path.name,
)
def test_shared_workflow_knows_no_study(path: Path) -> None:
    assert WORDS.findall(path.read_text()) == []


def all_imports(path: Path) -> set[str]:
    """Packages that a file imports, directly or through our modules."""
    files = [path, *SOURCES.imported_modules(path).values()]
    return set().union(*(foreign_imports(file) for file in files)) - {"hepdensity"}


@pytest.mark.parametrize(
    "path",
    [path for path in CODE if module_name(path) in LIGHT]
    + sorted((LIBRARY / "hepdensity/studies").glob("*/study.py"))
    + sorted((LIBRARY / "hepdensity/studies").glob("*/kinds.py")),
    ids=module_name,
)
def test_what_the_workflow_reads_is_light(path: Path) -> None:
    assert not all_imports(path) & HEAVY


def test_a_bare_node_can_train() -> None:
    assert all_imports(REPOSITORY / "scripts" / "train_model.py") <= BARE_NODE


def test_no_import_cycles() -> None:
    graph = {module_name(path): imports_of(path) for path in CODE}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {error.args[1]}")


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.parent.name)
def test_init_files_are_empty(path: Path) -> None:
    assert path.read_text() == ""


def test_every_package_has_an_init_file() -> None:
    assert {path.parent for path in MODULES} == {path.parent for path in PACKAGES}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_library_does_not_know_snakemake(path: Path) -> None:
    assert not {name for name in foreign_imports(path) if name.startswith("snakemake")}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_read_no_untracked_configuration(path: Path) -> None:
    assert "snakemake.config" not in called_names(path)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_import_no_other_script(path: Path) -> None:
    assert not foreign_imports(path) & {"scripts", *(script.stem for script in SCRIPTS)}


def test_only_the_workflow_reads_the_kinds() -> None:
    users = {module_name(path) for path in MODULES if "models.registry" in imports_of(path)}
    assert users == {"study", "configuration"}


@pytest.mark.parametrize(("name", "text"), rules().items(), ids=list(rules()))
def test_rule_is_complete(name: str, text: str) -> None:
    assert name.startswith(VERBS)
    base = name in ("draw_figure", "make_table")  # rules are made from these
    derived = text.startswith("use ")
    directives = {"log", "message"} | ({"conda", "threads", "script"} if not derived else set())
    directives |= {"params", "benchmark", "output"} if not base else set()
    for directive in directives:
        assert re.search(rf"^    {directive}:", text, re.MULTILINE), directive
    assert base or re.search(r"source=(model_)?digest\(", text)
    assert "resources:" not in text, "resources belong to the profiles"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_are_used_and_thin(path: Path) -> None:
    name = str(path.relative_to(REPOSITORY / "scripts"))
    assert f"scripts/{name}" in RULE_TEXT or f"{{SCRIPTS}}/{name}" in RULE_TEXT
    assert len(path.read_text().splitlines()) <= 60


def test_functions_of_the_workflow_are_in_one_file() -> None:
    others = [path for path in RULE_FILES if path.name != "common.smk"]
    others.append(REPOSITORY / "workflow" / "Snakefile")
    assert [path.name for path in others if re.search(r"^\s*def ", path.read_text(), re.M)] == []
    assert len(others[-1].read_text().splitlines()) <= 40


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "envs").glob("*.yaml")), ids=lambda path: path.stem
)
def test_conda_environments_have_the_pins_of_the_lock(path: Path) -> None:
    locked = pins((REPOSITORY / "requirements.lock").read_text().splitlines())
    listed = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    wanted = pins(listed)
    assert len(wanted) == len(listed)
    assert wanted == {name: locked.get(name) for name in wanted}


def test_lock_pins_everything_and_lets_each_machine_choose_its_torch() -> None:
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    entries = [line for line in lines if not line.startswith(("#", "--"))]
    assert [line for line in entries if not pins([line])] == []
    assert "torch==2.13.0" in entries


def test_lock_holds_the_direct_needs() -> None:
    locked = pins((REPOSITORY / "requirements.lock").read_text().splitlines())
    lines = (REPOSITORY / "requirements.in").read_text().splitlines()
    names = {line.split("==")[0].lower() for line in lines if not line.startswith("#")}
    assert names <= set(locked)
