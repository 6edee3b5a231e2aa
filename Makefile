# Everything runs in .venv, which is made when first needed and renewed when pyproject.toml or
# constraints.txt change. Other interpreter: make test PYTHON=python3.12
# More options for pip (an index, a cache): make test PIP_FLAGS="..."

PYTHON ?= python3
PIP_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt $(PIP_FLAGS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format eval bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/base.stamp ## enlarge the demo clip: examples/demo.mp4 -> demo_4x.mp4
	$(BIN)/vidsr examples/demo.mp4 -o demo_4x.mp4 --overwrite

test: $(VENV)/test.stamp ## run the tests; one of them: make test ARGS="-k psnr"
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/test.stamp ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test.stamp ## rewrite the sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

eval: $(VENV)/base.stamp ## PSNR on Set5 and Set14 (VIDSR_DATA names the data folder)
	$(BIN)/vidsr-eval $(ARGS)

bench: $(VENV)/base.stamp ## overhead, processor time and memory; prints what it measures
	$(BIN)/python benchmarks/foundation.py $(ARGS)

clean: ## remove what the other targets left, .venv excepted
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f demo_4x.mp4 demo_4x.mp4.part

# Base first, then the test tools: two pips never write to one environment at once.
$(VENV)/test.stamp: $(VENV)/base.stamp
	$(PIP) -e '.[test]'
	@touch $@

$(VENV)/base.stamp: pyproject.toml constraints.txt | $(VENV)/venv.stamp
	$(PIP) -e .
	@touch $@

$(VENV)/venv.stamp:
	@command -v '$(PYTHON)' >/dev/null || { \
	  echo 'error: $(PYTHON) is not found. Hint: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'error: $(PYTHON) is older than 3.11. Hint: make PYTHON=python3.11' >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'error: $(PYTHON) cannot make virtual environments.' \
	    'Hint: install its venv package (Debian, Ubuntu: python3-venv).' >&2; exit 1; }
	'$(PYTHON)' -m venv $(VENV)
	@touch $@
