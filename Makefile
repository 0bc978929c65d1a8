# What one does with Crossdock from a clone. It needs make and a Python 3.11 or newer, and installs into .venv only.
#   make demo ARGS=--once          arguments for what is run: `crossdock demo`, pytest, or the resolver of `make lock`
#   make setup PYTHON=python3.13   a certain Python; else the first of these that will do
PYTHON = python3 python3.14 python3.13 python3.12 python3.11 python
ARGS =

BIN = .venv/bin
# Quiet, whatever pip has to say in passing; all of it, where it fails.
INSTALL = sh -c '$(BIN)/python -m pip install --progress-bar off "$$@" >.venv/install.log 2>&1 || \
	{ tail -n 8 .venv/install.log; echo "Not installed; .venv/install.log has the whole story."; exit 1; } >&2' install
PYTEST = $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder
RESOLVE = $(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock" --quiet $(ARGS)

.PHONY: help setup demo test bench lock clean

help:
	@echo 'make demo    everything on this machine, with sample orders, until Ctrl-C'
	@echo 'make setup   only install, into .venv'
	@echo 'make test    all checks: format, lint, types, imports, tests'
	@echo 'make bench   orders a second and CPU an order, beside a plain Celery chain on the same stand-ins'
	@echo 'make lock    solve the dependencies of pyproject.toml into the lock files anew (ARGS=--upgrade: newest versions)'
	@echo 'make clean   remove what was installed and cached; keeps var/, the data'

setup: .venv/.runtime .venv/.project

demo: setup
	@$(BIN)/crossdock demo $(ARGS)

test: setup .venv/.dev
	@printf '\n== Format\n' && $(BIN)/ruff format --check .
	@printf '\n== Lint\n' && $(BIN)/ruff check .
	@printf '\n== Types\n' && $(BIN)/mypy
	@printf '\n== Imports\n' && $(BIN)/lint-imports --no-logo
ifdef ARGS
	@printf '\n== Tests\n' && $(PYTEST) --numprocesses 2 $(ARGS)
else
	@printf '\n== Tests that wait more than they compute\n' && $(PYTEST) --numprocesses 3 -m long
	@printf '\n== Tests\n' && $(PYTEST) --numprocesses 2 -m "not long"
endif

bench: setup .venv/.dev
	@$(BIN)/python -m bench.throughput $(ARGS)

lock: $(BIN)/uv
	@$(RESOLVE) --output-file requirements.lock
	@$(RESOLVE) --output-file requirements-dev.lock --extra dev --constraint requirements.lock

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The files .venv/.* remember what was installed; make compares their age with what it was installed from.

.venv/.runtime: requirements.lock | $(BIN)/python
	@echo 'Installing into .venv (once, about a minute)'
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@touch $@

.venv/.project: pyproject.toml .venv/.runtime
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
	@echo 'Installed: $(BIN)/crossdock'

.venv/.dev: requirements-dev.lock | $(BIN)/python
	@echo 'Installing the tools of the tests into .venv (once, about a minute)'
	@$(INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@

$(BIN)/uv: | $(BIN)/python
	@$(INSTALL) 'uv>=0.13,<0.14'

$(BIN)/python:
	@for python in $(PYTHON); do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec "$$python" -m venv --clear .venv; \
		fi; \
	done; \
	echo 'Crossdock needs Python 3.11 or newer with its venv module, and found none as: $(PYTHON).' >&2; \
	echo 'Install one (Debian, Ubuntu: apt-get install python3-venv), or name it: make setup PYTHON=/path/to/python' >&2; \
	exit 1
