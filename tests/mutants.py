"""Make random changes in the library, one at a time, and check that the mirror tests notice.

Usage: `make mutants`, or `python tests/mutants.py --count 40 --seed 1`. A mutant has one changed
sign, comparison, operator, condition or constant. It survives if the tests of its module still
pass. Many survivors are harmless (the size of a chunk, the seed of a stream), so read them.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = (
    *("models", "evaluation", "training", "ingest", "preprocessing"),
    *("physics", "generate", "studies"),
)
SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And},
}


@dataclass(frozen=True)
class Mutant:
    """A change at one place.

    Attributes:
        module: Path of the module below the package.
        place: Number of the place among those of the module.
        line: Its line.
        change: Description of the change.
    """

    module: Path
    place: int
    line: int
    change: str


def places(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Nodes that can be changed, with the change."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPPED:
            yield node, f"{type(node.op).__name__} -> {SWAPPED[type(node.op)].__name__}"
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
            yield node, f"{type(node.ops[0]).__name__} -> {SWAPPED[type(node.ops[0])].__name__}"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
            yield node, f"{type(node.op).__name__} removed"
        elif isinstance(node, ast.Constant) and _is_number(node.value):
            yield node, f"{node.value!r} + 1"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def changed(source: str, place: int) -> str:
    """The module with one place changed."""
    tree = ast.parse(source)
    node, _ = list(places(tree))[place]
    if isinstance(node, ast.BinOp | ast.BoolOp):
        node.op = SWAPPED[type(node.op)]()  # type: ignore[assignment]
    elif isinstance(node, ast.Compare):
        node.ops[0] = SWAPPED[type(node.ops[0])]()  # type: ignore[call-overload]
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        node.value += 1
    return ast.unparse(ast.fix_missing_locations(tree))


def tests_of(module: Path) -> Path:
    """Mirror tests of a module, relative to the checkout."""
    return Path("tests") / module.parent / f"test_{module.name}"


def mutants(count: int, seed: int) -> list[Mutant]:
    """A random sample over all modules that have mirror tests."""
    library = REPOSITORY / "lib" / "hepdensity"
    found = []
    for path in sorted(path for part in PARTS for path in (library / part).rglob("*.py")):
        module = path.relative_to(library)
        if (REPOSITORY / tests_of(module)).is_file():
            for i, (node, change) in enumerate(places(ast.parse(path.read_text()))):
                found.append(Mutant(module, i, getattr(node, "lineno", 0), change))
    return random.Random(seed).sample(found, min(count, len(found)))


def survives(mutant: Mutant, checkout: Path) -> bool:
    """Whether the mirror tests pass with the change; the change is undone afterwards."""
    path = checkout / "lib" / "hepdensity" / mutant.module
    source = path.read_text()
    path.write_text(changed(source, mutant.place))
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "lib"), "NUMBA_DISABLE_JIT": "0"}
    try:
        done = subprocess.run(
            [*words, str(tests_of(mutant.module))],
            cwd=checkout,
            env=environment,
            capture_output=True,
            timeout=600,
        )
    except subprocess.TimeoutExpired:
        return False
    finally:
        path.write_text(source)
    return done.returncode == 0


def main() -> None:
    """Print each mutant, and the survivors at the end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    left = []
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder)
        for name in ("lib", "tests", "workflow", "rules", "config.yaml", "pyproject.toml"):
            copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy2
            copy(REPOSITORY / name, checkout / name)
        for mutant in mutants(given.count, given.seed):
            survived = survives(mutant, checkout)
            left += [mutant] if survived else []
            told = "SURVIVED" if survived else "caught"
            print(f"{told:8} {mutant.module}:{mutant.line}: {mutant.change}", flush=True)
    print(f"\n{given.count - len(left)} of {given.count} mutants caught; survivors:")
    for mutant in left:
        print(f"  {mutant.module}:{mutant.line}: {mutant.change}")


if __name__ == "__main__":
    main()
