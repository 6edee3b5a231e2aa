# Everything runs in .venv, which is made when first needed and renewed when pyproject.toml or
# constraints.txt change. Other interpreter: make test PYTHON=python3.12
# More options for pip (an index, a cache): make test PIP_FLAGS="..."
# The pins of constraints.txt fit PyTorch's CPU build; docs/getting-started.md says where it comes from.

PYTHON ?= python3
PIP_FLAGS ?=
GPU_BUDGET_S ?= 320
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt $(PIP_FLAGS)

# What needs neither video nor training, for `make check`: whole folders, and tests of the files
# themselves. 60 s of CPU time together.
QUICK := tests/degradation tests/docs/test_pages.py tests/lean tests/models tests/picture \
  tests/quality tests/terminal tests/test_layers.py tests/test_packaging.py tests/test_public.py \
  tests/test_readme.py

# The Python side of TensorRT 10 and 11, without its libraries: tests hold our names against them.
BINDINGS := $(PIP) --no-deps --upgrade --target $(VENV)/tensorrt-bindings
ifeq ($(shell uname -s),Linux)
TENSORRT_BINDINGS = $(BINDINGS)/10 tensorrt-cu13-bindings==10.16.1.11 && \
  $(BINDINGS)/11 tensorrt-cu13-bindings==11.4.0.106
endif

# Else every process that a test starts would compile vidsr anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo check quick test lint format docs man dist eval bench gpu-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/base.stamp ## upscale the demo clip: examples/demo.mp4 -> demo_4x.mp4
	$(BIN)/vidsr examples/demo.mp4 -o demo_4x.mp4 --overwrite

check: $(VENV)/test.stamp ## style, types and the quick tests, side by side: under a minute
	@$(MAKE) --no-print-directory -j2 lint quick

quick: $(VENV)/test.stamp ## run the tests that need no video and no training
	$(BIN)/python -m pytest -n auto -q -m 'not slow' $(QUICK) $(ARGS)

test: $(VENV)/test.stamp ## run all tests; one of them: make test ARGS="-k psnr"
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=25 $(ARGS)

lint: $(VENV)/test.stamp ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test.stamp ## rewrite the sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/docs.stamp ## build the documentation into build/site; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'build/site/index.html; with search: python3 -m http.server -d build/site'

man: $(VENV)/base.stamp ## write the manual pages of the commands into build/man/man1
	$(BIN)/python -m tools.docs.man_pages build/man/man1

dist: $(VENV)/test.stamp $(VENV)/dist.stamp ## build wheel and sdist into dist/, and try out both
	rm -rf dist
	$(BIN)/python -m build --no-isolation .
	$(BIN)/python tools/try_dist.py dist --pip-flags='$(PIP_FLAGS)'

eval: $(VENV)/base.stamp ## PSNR on Set5 and Set14 (VIDSR_DATA names the data folder)
	$(BIN)/vidsr-eval $(ARGS)

bench: $(VENV)/base.stamp ## overhead, processor time and memory; prints what it measures
	$(BIN)/python benchmarks/foundation.py $(ARGS)

gpu-check: ## what only a CUDA GPU shows; runs in PYTHON as it is, installs nothing
	@export PYTHONPATH="$(CURDIR)$${PYTHONPATH:+:$$PYTHONPATH}" VIDSR_REQUIRE_CUDA=1; status=0; \
	timeout -k 10 250 '$(PYTHON)' -m pytest tests/kernels tests/gpu -q -W default \
	  -p no:cacheprovider -m 'not slow' --continue-on-collection-errors -o faulthandler_timeout=120 || status=1; \
	'$(PYTHON)' benchmarks/gpu.py --budget-s $(GPU_BUDGET_S) $(ARGS) || status=1; \
	exit $$status

clean: ## remove what the other targets left, .venv excepted
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f demo_4x.mp4 demo_4x.mp4.part

# Base first, then the test tools: two pips never write to one environment at once.
$(VENV)/test.stamp: $(VENV)/base.stamp
	$(PIP) -e '.[test]'
	$(TENSORRT_BINDINGS)
	@touch $@

$(VENV)/docs.stamp: $(VENV)/base.stamp
	$(PIP) -e '.[docs]'
	@touch $@

$(VENV)/dist.stamp: $(VENV)/base.stamp
	$(PIP) -e '.[dist]'
	@touch $@

$(VENV)/base.stamp: pyproject.toml constraints.txt | $(VENV)/venv.stamp
	@echo 'installing into $(VENV)'; $(PIP) -e . || { \
	  echo 'error: pip failed. Hint: the pins fit PyTorch'"'"'s CPU build;' \
	    'docs/getting-started.md names the index for PIP_FLAGS.' >&2; exit 1; }
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
