"""What made an artefact: source digests of scripts, and run records."""

import ast
import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = "hepdensity"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_digest(script: Path | str, library: Path, modules: Sequence[str] = ()) -> str:
    """Digest of all the code that a script runs: the script and our modules that it imports.

    Imports are found by reading the source, including those inside functions. Modules imported with
    `importlib` must be given in `modules`. Each file is hashed by its syntax tree without
    docstrings, so comments, formatting and docstrings do not count, nor does the Python version
    (3.11 to 3.13).

    Args:
        script: Python file, e.g. `scripts/train_model.py`.
        library: folder of the package.
        modules: other modules of ours that the script runs, e.g. `hepdensity.models.classifier`.

    Returns:
        16 hexadecimal digits.

    Raises:
        ValueError: If a file is missing or is not valid Python.
    """
    script = Path(script).resolve()
    digest = hashlib.sha256(_file_digest(script).encode())
    found = imported_modules(script, library)
    for module in modules:
        path = _module_file(module, library)
        found |= {module: path, **imported_modules(path, library)}
    for name, path in sorted(found.items()):
        digest.update(f"{name} {_file_digest(path)}\n".encode())
    return digest.hexdigest()[:16]


def imported_modules(source: Path, library: Path) -> dict[str, Path]:
    """Our modules that a file imports, directly or indirectly.

    Args:
        source: Python file to start from.
        library: folder of the package.

    Returns:
        Dotted module name -> file, packages (`__init__.py`) included.
    """
    found: dict[str, Path] = {}
    pending = [source]
    while pending:
        for name in direct_imports(pending.pop(), library):
            if name not in found:
                found[name] = _module_file(name, library)
                pending.append(found[name])
    return found


def direct_imports(source: Path, library: Path) -> set[str]:
    """Names of our modules that a file imports directly, and of the packages they are in.

    Args:
        source: Python file.
        library: folder of the package.
    """
    names: set[str] = set()
    for node in _import_statements(_parse(source)):
        for candidate in _imported_names(node, source, library):
            parts = candidate.split(".")
            prefixes = (".".join(parts[: i + 1]) for i in range(len(parts)))
            names.update(name for name in prefixes if _is_module(name, library))
    return names


def record(settings: Mapping[str, Any], seed: int | None, source: str) -> dict[str, Any]:
    """Run record to store with an artefact: what made it, without place or time.

    Args:
        settings: the settings that were used; must be representable in JSON.
        seed: seed of the run, or None if nothing is random.
        source: source digest of the script.
    """
    return {
        "settings": json.loads(json.dumps(settings)),
        "seed": seed,
        "source": source,
        "git_commit": git_commit(),
        "versions": _versions(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


@cache
def git_commit() -> str | None:
    """Commit of the checkout of this file, with `-dirty` appended if there are edits."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--match="]
    try:
        answer = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip() or None


def _versions() -> dict[str, str]:
    """Versions of Python and of every imported package.

    A fixed list would need edits, and each edit here would make every rule run again.
    """
    packages = metadata.packages_distributions()
    imported = {name for name in packages if name in sys.modules}
    names = sorted({distribution for name in imported for distribution in packages[name]})
    found = {name: metadata.version(name) for name in names}
    return {"python": platform.python_version(), **found}


def _imported_names(
    node: ast.Import | ast.ImportFrom, source: Path, library: Path
) -> Iterator[str]:
    """Dotted names that an import statement may mean; `from a import b` gives a.b."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    module = node.module or ""
    if node.level:
        package = source.relative_to(library).parts[: -node.level]
        module = ".".join([*package, *filter(None, [module])])
    yield from (f"{module}.{alias.name}" for alias in node.names)


def _module_file(name: str, library: Path) -> Path:
    path = library.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_module(name: str, library: Path) -> bool:
    return name.split(".")[0] == PACKAGE and _module_file(name, library).is_file()


def _parse(path: Path) -> ast.Module:
    try:
        return _tree(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot read the source for its digest ({error})") from error
    except SyntaxError as error:
        raise ValueError(f"{path}: line {error.lineno}: {error.msg}") from error


# Many scripts import the same module: equal text is parsed and hashed once.
@cache
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def _import_statements(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@cache
def _tree_digest(tree: ast.Module) -> str:
    return hashlib.sha256(_canonical(tree).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    return _tree_digest(_parse(path))


def _canonical(node: object) -> str:
    """Text of a syntax tree; empty fields are omitted because newer Python versions add some."""
    if isinstance(node, ast.AST):
        body = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            body = [(name, value[1:] if name == "body" else value) for name, value in body]
        fields = ",".join(f"{name}={_canonical(value)}" for name, value in body if name != "kind")
        return f"{type(node).__name__}({fields})"
    if isinstance(node, list):
        return "[" + ",".join(map(_canonical, node)) + "]"
    return repr(node)
