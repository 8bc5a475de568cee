"""Compilation of our numba kernels."""

from collections.abc import Iterator
from contextlib import contextmanager

from numba.core import entrypoints


@contextmanager
def without_extensions() -> Iterator[None]:
    """Let numba compile or load our kernels without its extensions by other packages.

    Before its first compilation numba imports all packages that extend it: vector, and with it
    sympy, costs each job a second, and no kernel of ours takes their types. Code outside this
    context gets the extensions as ever.
    """
    before = entrypoints._already_initialized
    entrypoints._already_initialized = True
    try:
        yield
    finally:
        entrypoints._already_initialized = before
