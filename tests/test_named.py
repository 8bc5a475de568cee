"""Functions and inputs that rules name."""

import math
from typing import Any

import pytest

from hepdensity.named import named_function, named_inputs


def test_function_is_found_by_its_name() -> None:
    assert named_function("math:hypot") is math.hypot
    assert named_function("hepdensity.named:named_function") is named_function


@pytest.mark.parametrize(
    "name",
    ["hepdensity.gone:function", "hepdensity.named:gone", "hepdensity.named", "", ":main"],
    ids=["module", "function", "no function", "nothing", "no module"],
)
def test_missing_function_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"^no function {name} .*; name it as module:function"):
        named_function(name)


class Inputs(dict[str, Any]):
    """Like a named `snakemake.input`: a single file is text, several files are a special list."""


class Files(list[str]):
    """Like Snakemake's list of files."""


def test_inputs_are_paths_or_lists_of_paths() -> None:
    given = Inputs(table="t.csv", scores=Files(["a.h5", "b.h5"]), summaries=Files([]))
    found = named_inputs(given)
    assert found == {"table": "t.csv", "scores": ["a.h5", "b.h5"], "summaries": []}
    assert [type(value) for value in found.values()] == [str, list, list]
