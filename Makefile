# Every everyday command of the project. Needs GNU make and Python 3.11 or newer with venv; nothing else.
# `make demo` and `make test` set up .venv on their first call and again when pyproject.toml or
# constraints.txt change; otherwise they install nothing.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
ARGS ?=
# One process per core, files kept whole; PARALLEL= runs the tests one after the other.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile
PIP := $(BIN)/python -m pip --disable-pip-version-check

# pip builds the package in an environment of its own; the lock holds there too. pip before 25.3 reads
# the first variable in that place, later ones read the second.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo paper paper-train test test-learn test-heavy check lint types contracts spelling format setup setup-dev lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## compare six policies over a simulated day and write the HTML report
	$(BIN)/cosim compare scenarios/quickstart.yaml $(ARGS)

paper: setup ## make the figures of the paper and judge its claims, into reports/paper
	$(BIN)/cosim paper $(ARGS)

paper-train: $(VENV)/.installed-learn ## train what its learning curves need and is not stored yet (hours)
	$(BIN)/cosim shaping scenarios/paper/base-small.yaml --resume --out reports/shaping-ablation
	$(BIN)/cosim shaping scenarios/paper/flex.yaml --resume --out reports/shaping-ablation
	$(BIN)/cosim paper --train fig08 --train fig10 $(ARGS)

test: setup-dev ## run the test suite (ARGS="-k battery" narrows it)
	$(BIN)/python -m pytest -rs -m "not heavy" $(PARALLEL) $(ARGS)

test-learn: $(VENV)/.installed-learn ## run the tests of learners, which need torch (large download)
	@$(BIN)/python -c "import torch, gymnasium, safetensors, stable_baselines3, tensorboard" \
	  || { echo "error: what learning needs is not in $(VENV), and its tests would be skipped" >&2; exit 1; }
	$(BIN)/python -m pytest -rs -m "heavy or not heavy" tests/learned $(PARALLEL) $(ARGS)

test-heavy: setup-dev ## run the tests that take minutes
	$(BIN)/python -m pytest -rs -m heavy $(ARGS)

check: lint types contracts ## lint, types and contracts

lint: setup-dev ## ruff and codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: setup-dev ## mypy --strict over cosim and policies
	$(BIN)/mypy --strict

contracts: setup-dev ## the dependency direction, with import-linter
	$(BIN)/lint-imports

format: setup-dev ## let ruff lay the code out and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(VENV)/.installed-core ## create .venv with what a run needs

setup-dev: $(VENV)/.installed-dev ## create .venv with what the tests and checks need

clean: ## remove .venv, caches and build output (runs/ and reports/ stay)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find cosim policies tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps lie inside .venv, so that they go when it goes.
$(VENV)/.installed-core: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "installing cosim and the libraries pinned in constraints.txt (some minutes at the first call)"
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "installing cosim, its libraries and the test tools pinned in constraints.txt (some minutes at the first call)"
	$(PIP) install --quiet --constraint constraints.txt --editable ".[dev,oracle]"
	@touch $@ $(VENV)/.installed-core

$(VENV)/.installed-learn: pyproject.toml constraints.txt | $(VENV)/.installed-dev
	@echo "installing what learning needs, pinned in constraints.txt (torch is large)"
	$(PIP) install --quiet --constraint constraints.txt --editable ".[dev,oracle,learn]"
	@touch $@

# A .venv that somebody else made is used as it is, provided that it has pip.
$(VENV)/.created:
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3); do \
	    "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	      >/dev/null 2>&1 && break; \
	    python=; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "error: no Python 3.11 or newer with venv and pip was found on PATH." >&2; \
	    echo "  Debian, Ubuntu: apt-get install python3 python3-venv   (python3.11-venv where both exist)" >&2; \
	    echo "  or name one:    make $(firstword $(MAKECMDGOALS) demo) PYTHON=/path/to/python3.11" >&2; \
	    exit 1; \
	  fi; \
	  echo "creating $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv $(VENV); \
	fi
	@touch $@

lock: setup-dev ## resolve constraints.txt anew, over all extras
	PIP_CONSTRAINT= $(BIN)/python .ci/lock.py
