# `make demo` needs nothing but Python 3.11 or newer; the environment is made on the way.
# Runtime and developer packages have stamps of their own, so that a first look stays small.

.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= $(shell if python3.11 -c '' 2>/dev/null; then echo python3.11; else echo python3; fi)
BIN := .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Bytecode at once, whatever the environment says of writing it later: a cold start is twice as slow.
COMPILE = $(BIN)/python -m compileall -q -j 0 .venv/lib src
# What there is of the code that is held to the rules.
CODE = $(wildcard src tests benchmarks examples docs)
TYPED = $(wildcard src tests benchmarks examples)

.PHONY: demo
demo: .venv/.runtime  ## a whole desk to play with
	@$(BIN)/billdesk demo

.PHONY: run
run: .venv/.runtime  ## open the desk
	@$(BIN)/billdesk

.PHONY: test
test: .venv/.develop  ## every test but the long proofs; core covered to the last branch
	@# Four at once on two cores: much of a test is waiting, for Postgres and for screens.
	@$(BIN)/python -m pytest -n 4 --dist worksteal \
		--cov=billdesk.core --cov-branch --cov-fail-under=100 \
		--cov-report=term-missing:skip-covered

.PHONY: soak
soak: .venv/.develop  ## the long proofs: kills, races, a year of ticks
	@$(BIN)/python -m pytest -m soak --hypothesis-profile=soak

.PHONY: check
check: .venv/.develop  ## form, types and floors; tells everything that is wrong, not the first thing
	@status=0; \
	$(BIN)/ruff format --check $(CODE) || status=1; \
	$(BIN)/ruff check $(CODE) || status=1; \
	$(BIN)/mypy --strict $(TYPED) || status=1; \
	$(BIN)/lint-imports || status=1; \
	exit $$status

.PHONY: bench
bench: .venv/.develop  ## ratios to a bare floor, measured in the same run
	@$(BIN)/python -m benchmarks

.PHONY: docs-pictures
docs-pictures: .venv/.develop  ## draw the pictures of the documentation again
	@$(BIN)/python -m docs.pictures

.PHONY: clean
clean:  ## remove the environment and everything that was built
	rm -rf .venv build dist htmlcov .coverage .coverage.* snapshot_report.html \
		.hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests $(wildcard benchmarks docs examples) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("billdesk needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/.runtime: pyproject.toml constraints.txt | .venv/bin/python
	@echo "setting up .venv, about half a minute the first time"
	$(INSTALL) -e .
	@$(COMPILE)
	@touch $@

# All that .runtime has and more, hence both stamps.
.venv/.develop: pyproject.toml constraints.txt | .venv/bin/python
	@echo "setting up .venv for developing, about a minute the first time"
	$(INSTALL) -e '.[dev]'
	@$(COMPILE)
	@touch .venv/.runtime $@
