"""Look up what a rule names: a function of the library, and input files."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def named_function(name: str) -> Callable[..., Any]:
    """Import the function named "module:function".

    Raises:
        ValueError: If there is no such function.
    """
    module, _, function = name.partition(":")
    try:
        found: Callable[..., Any] = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"no function {name} ({error}); name it as module:function") from error
    return found


def named_inputs(inputs: Any) -> dict[str, Any]:
    """Inputs of a rule by name; each is a path or a list of paths.

    Args:
        inputs: `snakemake.input`.
    """
    return {
        name: value if isinstance(value, str) else [str(path) for path in value]
        for name, value in inputs.items()
    }
