# make        preset quick, from an empty folder to the report (gluino study: about ten minutes)
# make test   the test suite
# make test-slurm   the workflow on a SLURM cluster of one node, set up for the test; needs root
# make lint   style, types and the workflow's own lint
# make benchmarks   speed beside other codes, and events beside MadGraph's if they are there
# make mutants      change the code at random, and see whether the tests notice
# make clean  remove results; make clean-all also removes the environment
#
# PRESET=long make      another scale: smoke, quick, long, paper
# RUN=mine make         results in results/mine
# PYTHON=python3.12 make another interpreter: 3.11 or 3.12

PYTHON ?= python3
VENV := .venv
# Never the commands in $(VENV)/bin: they hold the path that the checkout had when it was installed.
RUN_PYTHON := $(VENV)/bin/python
SNAKEMAKE := $(RUN_PYTHON) -m snakemake
STAMP := $(VENV)/.installed
GIVEN := $(if $(PRESET),preset=$(PRESET)) $(if $(RUN),run=$(RUN))
CONFIG := $(if $(strip $(GIVEN)),--config $(GIVEN))
WORKFLOW_FILES := workflow/Snakefile rules

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONPATH := lib

.DEFAULT_GOAL := report
.PHONY: report workflow setup test test-slurm lint benchmarks mutants clean clean-all

report: workflow
	@results=$$($(RUN_PYTHON) -m hepdensity.configuration $(GIVEN)) && \
	    $(SNAKEMAKE) --quiet all --report "$$results/report.html" $(CONFIG) && \
	    echo "Report: $$results/report.html"

workflow: setup
	$(SNAKEMAKE) --cores all --quiet host reason $(CONFIG)

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
	    { echo "Python 3.11 or 3.12 is needed; name one: PYTHON=python3.12 make"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN_PYTHON) -m pip install --quiet -r requirements.lock
	$(RUN_PYTHON) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

test: setup
	OMP_NUM_THREADS=1 $(RUN_PYTHON) -m pytest -n auto --dist loadfile

test-slurm: setup
	OMP_NUM_THREADS=1 $(RUN_PYTHON) -m pytest -m slurm tests/slurm

lint: setup
	$(RUN_PYTHON) -m ruff check .
	$(RUN_PYTHON) -m ruff format --check .
	$(RUN_PYTHON) -c 'from snakefmt.snakefmt import main; main()' --check $(WORKFLOW_FILES)
	$(SNAKEMAKE) --lint
	$(RUN_PYTHON) -m mypy

benchmarks: setup
	$(RUN_PYTHON) -m pip install --quiet --no-deps --upgrade --target $(VENV)/peers \
	    -r benchmarks/requirements.txt
	OMP_NUM_THREADS=1 PYTHONPATH=lib:$(VENV)/peers $(RUN_PYTHON) benchmarks/flows.py
	OMP_NUM_THREADS=1 $(RUN_PYTHON) benchmarks/treatments.py
	OMP_NUM_THREADS=1 PYTHONPATH=lib:$(VENV)/peers $(RUN_PYTHON) benchmarks/object_models.py
	OMP_NUM_THREADS=1 $(RUN_PYTHON) benchmarks/likelihoods.py
	OMP_NUM_THREADS=1 $(RUN_PYTHON) benchmarks/generator.py
	OMP_NUM_THREADS=1 $(RUN_PYTHON) benchmarks/madgraph_comparison.py
	OMP_NUM_THREADS=1 $(RUN_PYTHON) benchmarks/readers.py
	OMP_NUM_THREADS=1 $(RUN_PYTHON) benchmarks/detector.py

mutants: setup
	OMP_NUM_THREADS=1 $(RUN_PYTHON) tests/mutants.py

clean:
	rm -rf results

clean-all: clean
	rm -rf $(VENV) .snakemake .pytest_cache .ruff_cache .mypy_cache
