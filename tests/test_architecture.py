"""The shape of the project: who may import whom, and what must agree with what."""

import ast
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import yaml

from hepdensity.provenance import direct_imports

REPOSITORY = Path(__file__).resolve().parents[1]
LIBRARY = REPOSITORY / "lib"
MODULES = sorted((LIBRARY / "hepdensity").rglob("*.py"))
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]
CODE = [path for path in MODULES if path.name != "__init__.py"]
SCRIPTS = sorted((REPOSITORY / "scripts").glob("*.py"))
RULE_FILES = sorted((REPOSITORY / "rules").glob("*.smk"))
VERBS = ("generate_", "ingest_", "prepare_", "train_", "evaluate_", "plot_")

# What each part of the library may import besides itself, as in the architecture document.
ALLOWED: dict[str, set[str]] = {
    "events": set(),
    "colour_order": {"events"},
    "helicity": set(),
    "provenance": set(),
    "logs": set(),
    "configuration": set(),
    "io": {"events", "provenance"},
    "physics": {"events", "colour_order"},
    "generate": {"physics", "io", "events", "colour_order", "logs"},
    "ingest": {"io", "events", "colour_order", "logs"},
    "preprocessing": {"physics", "io", "events", "colour_order", "helicity"},
    "models.base": set(),
    "models.networks": set(),
    "models.layers": {"models.base", "models.networks", "physics"},
    "models.flows": {"models.layers", "models.networks", "models.base"},
    "models.classifier": {"models.flows", "models.layers", "models.networks", "models.base"},
    "models.inputs": {"models.layers", "preprocessing", "colour_order"},
    "models.registry": {"models.base"},
    "training": {"models.base", "io", "logs"},
    "evaluation": {
        *("models.base", "models.layers", "physics"),
        *("events", "colour_order", "helicity", "io"),
    },
    "plotting": {"evaluation", "events", "colour_order", "io"},
}


def library_path(module: str) -> Path:
    return LIBRARY.joinpath("hepdensity", *module.split("."))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(LIBRARY / "hepdensity").with_suffix("").parts)


def part_of(module: str) -> str:
    """Row of the table above that a module, named without `hepdensity.`, belongs to."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "models" else parts[0]


def imports_of(path: Path) -> set[str]:
    """Modules of ours (without `hepdensity.`) that a file imports, packages left out."""
    names = direct_imports(path, LIBRARY) - {"hepdensity"}
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
    text = "\n".join(path.read_text() for path in RULE_FILES)
    blocks = re.split(r"^rule (\w+):\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(blocks[::2], blocks[1::2], strict=True))


def pins(lines: list[str]) -> dict[str, str]:
    found = (re.match(r"\s*-?\s*([\w.-]+)==(\S+)\s*$", line) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


@pytest.mark.parametrize("path", CODE, ids=module_name)
def test_imports_go_one_way(path: Path) -> None:
    part = part_of(module_name(path))
    assert part in ALLOWED, f"{part} is not in the table of import directions"
    imported = {part_of(name) for name in imports_of(path)} - {part}
    assert imported <= ALLOWED[part]


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


def test_only_scripts_choose_a_model() -> None:
    users = {module_name(path) for path in MODULES if "models.registry" in imports_of(path)}
    assert users == set()


def test_rules_and_scripts_have_the_same_names() -> None:
    assert sorted(rules()) == [path.stem for path in SCRIPTS]


@pytest.mark.parametrize(("name", "text"), rules().items(), ids=list(rules()))
def test_rule_is_complete(name: str, text: str) -> None:
    assert name.startswith(VERBS)
    assert f'"../scripts/{name}.py"' in text
    assert re.search(rf'source=(model_)?digest\("{name}"\)', text)
    for directive in ("log", "benchmark", "threads", "params", "conda", "message"):
        assert re.search(rf"^    {directive}:", text, re.MULTILINE), directive
    assert "resources:" not in text, "resources belong to the profiles"


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
