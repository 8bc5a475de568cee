"""Source digests: which code a script runs, as one short text that changes with it."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGE = "hepdensity"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class SourceTree:
    """Source files of the package, each of which is read once.

    A rule's script shares most of its modules with other scripts. A new object sees later edits.
    """

    def __init__(self, library: Path) -> None:
        """Args: library: folder of the package."""
        self.library = library
        self._files: dict[Path, _SourceFile] = {}
        self._imports: dict[Path, set[str]] = {}
        self._modules: dict[str, bool] = {}

    def digest(self, script: Path | str, modules: Sequence[str] = ()) -> str:
        """Digest of all the code that a script runs: the script and our modules that it imports.

        Imports are found by reading the source, including those inside functions. Modules imported
        with `importlib` must be given in `modules`. Each file is hashed by its syntax tree without
        docstrings, so comments, formatting and docstrings do not count, nor does the Python version
        (3.11 to 3.13).

        Args:
            script: Python file, e.g. `scripts/train_model.py`.
            modules: other modules of ours that the script runs, e.g.
                `hepdensity.models.classifier`.

        Returns:
            16 hexadecimal digits.

        Raises:
            ValueError: If a file is missing or is not valid Python.
        """
        script = Path(script).resolve()
        digest = hashlib.sha256(self._read(script).digest.encode())
        found = self.imported_modules(script)
        for module in modules:
            path = self._module_file(module)
            found |= {module: path, **self.imported_modules(path)}
        for name, path in sorted(found.items()):
            digest.update(f"{name} {self._read(path).digest}\n".encode())
        return digest.hexdigest()[:16]

    def imported_modules(self, source: Path) -> dict[str, Path]:
        """Our modules that a file imports, directly or indirectly.

        Args:
            source: Python file to start from.

        Returns:
            Dotted module name -> file, packages (`__init__.py`) included.
        """
        found: dict[str, Path] = {}
        pending = [source]
        while pending:
            for name in self.direct_imports(pending.pop()):
                if name not in found:
                    found[name] = self._module_file(name)
                    pending.append(found[name])
        return found

    def direct_imports(self, source: Path) -> set[str]:
        """Names of our modules that a file imports directly, and of the packages they are in.

        Args:
            source: Python file.
        """
        if source not in self._imports:
            self._imports[source] = set(self._find_imports(source))
        return self._imports[source]

    def _find_imports(self, source: Path) -> Iterator[str]:
        for node in self._read(source).import_statements:
            for candidate in _imported_names(node, source, self.library):
                parts = candidate.split(".")
                if parts[0] == PACKAGE:
                    prefixes = (".".join(parts[: i + 1]) for i in range(len(parts)))
                    yield from (name for name in prefixes if self._is_module(name))

    def _module_file(self, name: str) -> Path:
        path = self.library.joinpath(*name.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    def _is_module(self, name: str) -> bool:
        if name not in self._modules:
            self._modules[name] = self._module_file(name).is_file()
        return self._modules[name]

    def _read(self, path: Path) -> "_SourceFile":
        if path not in self._files:
            self._files[path] = _SourceFile(_parse(path))
        return self._files[path]


@dataclass(frozen=True)
class _SourceFile:
    """A syntax tree, and what is derived from it."""

    tree: ast.Module

    @cached_property
    def digest(self) -> str:
        pieces: list[str] = []
        _write_canonical(self.tree, pieces)
        return hashlib.sha256("".join(pieces).encode()).hexdigest()

    @cached_property
    def import_statements(self) -> list[ast.Import | ast.ImportFrom]:
        return list(_import_statements(self.tree))


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot read the source for its digest ({error})") from error
    except SyntaxError as error:
        raise ValueError(f"{path}: line {error.lineno}: {error.msg}") from error


def _import_statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements anywhere in a tree; they are statements, so expressions are passed over."""
    for name in node._fields:
        children = getattr(node, name, None)
        if isinstance(children, list):
            for child in children:
                if isinstance(child, ast.Import | ast.ImportFrom):
                    yield child
                elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
                    yield from _import_statements(child)


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


def _is_documented(node: ast.AST) -> bool:
    return isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None


def _write_canonical(node: object, pieces: list[str]) -> None:
    """Write a syntax tree as text; empty fields are omitted as newer Python versions add some."""
    if isinstance(node, ast.AST):
        pieces.append(type(node).__name__)
        pieces.append("(")
        separator = ""
        for name in node._fields:
            value = getattr(node, name, None)
            if value is None or value == [] or name == "kind":
                continue
            if name == "body" and _is_documented(node):
                value = value[1:]
            pieces.append(f"{separator}{name}=")
            _write_canonical(value, pieces)
            separator = ","
        pieces.append(")")
    elif isinstance(node, list):
        pieces.append("[")
        for i, item in enumerate(node):
            if i:
                pieces.append(",")
            _write_canonical(item, pieces)
        pieces.append("]")
    else:
        pieces.append(repr(node))
