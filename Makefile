# `make demo` and `make test` each work on a fresh machine: they create .venv,
# install the versions of .ci/constraints.txt and run.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
JOBS ?= 2
export PIP_CONSTRAINT = $(CURDIR)/.ci/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# One thread a process: tests and examples run side by side.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint doc clean

$(VENV)/.installed: setup.cfg pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch
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
	$(BIN)/python -m pytest --numprocesses $(JOBS)

doc: $(VENV)/.installed
	$(BIN)/python -m sphinx -W --keep-going -b html doc doc/_build/html

clean:
	rm -rf $(VENV) demo doc/_build doc/api/generated doc/auto_examples
