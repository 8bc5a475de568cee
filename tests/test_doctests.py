"""Examples in the docstrings of functions that newcomers call first."""

import doctest
from importlib import import_module

import pytest

EXAMPLES = {
    "configuration": ("overlay", "parsed"),
    "evaluation.estimates": ("mean_with_error",),
    "evaluation.auc": ("auc_with_error",),
    "files": ("read_table", "write_table"),
    "ingest.event_file": ("read_events", "write_events"),
    "models.build": ("build",),
    "models.diffusion.toy": ("gaussian_mixture_model",),
    "models.layout": ("Layout",),
    "numbering": ("number", "rank_of_permutation"),
    "physics.gluino": ("TrueDensity.log_prob",),
    "physics.phase_space": ("angles_to_momenta", "momenta_to_angles", "rambo"),
    "plotting.histograms": ("binned_density",),
}
"""Module -> functions and classes whose docstrings must have an example."""

FINDER = doctest.DocTestFinder(exclude_empty=True)


def examples_of(module: str) -> list[doctest.DocTest]:
    found = FINDER.find(import_module(f"hepdensity.{module}"))
    return [test for test in found if test.examples]


def test_at_least_ten_functions_have_examples() -> None:
    assert sum(len(names) for names in EXAMPLES.values()) >= 10


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_exist(module: str) -> None:
    prefix = f"hepdensity.{module}."
    assert {prefix + name for name in EXAMPLES[module]} <= {t.name for t in examples_of(module)}


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_are_right(module: str) -> None:
    failed, tried = doctest.testmod(
        import_module(f"hepdensity.{module}"), optionflags=doctest.ELLIPSIS
    )
    assert tried > 0
    assert failed == 0
