# `make demo` and `make test` each work on a fresh machine: they create .venv,
# install the versions of .ci/constraints.txt and run.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
JOBS ?= 2
export PIP_CONSTRAINT = $(CURDIR)/.ci/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Line coverage by sys.monitoring, which costs next to nothing, where Python has it (3.12);
# elsewhere tracing makes the tests a third slower or more: `make test COVERAGE=1`.
COVERAGE ?= $(shell $(PYTHON) -c 'import sys; print("1" * (sys.version_info >= (3, 12)))')
export COVERAGE_CORE ?= $(shell $(PYTHON) -c 'import sys; \
	print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')
# One thread a process: tests and examples run side by side.
export OMP_NUM_THREADS ?= 1

# Options of pip for torch, such as the index of builds for the CPU alone.
TORCH_OPTIONS ?=
# The lowest torch of setup.cfg is tested where an index of CPU builds is at hand
# (.github/workflows/tests.yml); elsewhere it would bring gigabytes of CUDA.
LOWEST_TORCH ?= 2.13.0
LOWEST_VENV ?= .venv-lowest

.PHONY: demo test test-lowest lint doc clean

$(VENV)/.installed: setup.cfg pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(TORCH_OPTIONS) torch
	$(BIN)/pip install --quiet --editable '.[plot,progress,doc,test]'
	touch $@

demo: $(VENV)/.installed
	mkdir -p demo
	cd demo && MPLBACKEND=agg $(abspath $(BIN))/python ../examples/plot_quickstart.py

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/numpydoc lint $$(git ls-files 'skvalue/*.py' | grep -v /_)

test: lint
	$(BIN)/python -m pytest --numprocesses $(JOBS) \
		$(if $(COVERAGE),--cov=skvalue --cov-report=term)

# The lowest versions of .ci/lowest.txt; what it does not name, as everywhere.
$(LOWEST_VENV)/.installed: setup.cfg pyproject.toml .ci/lowest.txt .ci/constraints.txt
	$(PYTHON) -m venv $(LOWEST_VENV)
	awk -F== '{ name = tolower($$1) } NR == FNR { lowest[name]; print; next } \
		name != "torch" && !(name in lowest)' \
		.ci/lowest.txt .ci/constraints.txt > $(LOWEST_VENV)/constraints.txt
	PIP_CONSTRAINT=$(abspath $(LOWEST_VENV))/constraints.txt $(LOWEST_VENV)/bin/pip install \
		--quiet $(TORCH_OPTIONS) torch==$(LOWEST_TORCH) --editable '.[plot,progress,test]'
	touch $@

test-lowest: $(LOWEST_VENV)/.installed
	$(LOWEST_VENV)/bin/python -m pytest --numprocesses $(JOBS) $(LOWEST_TESTS)

doc: $(VENV)/.installed
	$(BIN)/python -m sphinx -W --keep-going -b html doc doc/_build/html

clean:
	rm -rf $(VENV) $(LOWEST_VENV) demo doc/_build doc/api/generated doc/auto_examples
