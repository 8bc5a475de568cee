# make        quick preset from an empty folder to the report (about a quarter of an hour)
# make test   the test suite
# make lint   style, types and the workflow's own lint
# make benchmarks   speed beside other codes, and events beside MadGraph's where they are at hand
# make clean  remove results; make clean-all also removes the environment
#
# PRESET=study make      another scale (smoke, quick, study, paper)
# PYTHON=python3.12 make another interpreter (3.11 or 3.12)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REPORT := results/report.html
CONFIG := $(if $(PRESET),--config preset=$(PRESET))
WORKFLOW_FILES := workflow/Snakefile rules

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := report
.PHONY: report workflow setup test lint benchmarks clean clean-all

report: workflow
	$(BIN)/snakemake --quiet all --report $(REPORT) $(CONFIG)
	@echo "Report: $(REPORT)"

workflow: setup
	$(BIN)/snakemake --cores all --quiet host reason $(CONFIG)

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
	    { echo "Python 3.11 or 3.12 is needed; name one: PYTHON=python3.12 make"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(WORKFLOW_FILES)
	$(BIN)/snakemake --lint
	$(BIN)/mypy

benchmarks: setup
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(VENV)/peers \
	    -r benchmarks/requirements.txt
	OMP_NUM_THREADS=1 PYTHONPATH=$(VENV)/peers $(BIN)/python benchmarks/flows.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/treatments.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/generator.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/madgraph_comparison.py

clean:
	rm -rf results

clean-all: clean
	rm -rf $(VENV) .snakemake .pytest_cache .ruff_cache .mypy_cache
