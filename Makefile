# Everything a newcomer needs: `make demo` shows it, `make test` proves it. Both set themselves up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
TESTS ?= tests
# Half as many again as there are cores: journeys wait for servers much of their time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 2) * 3 // 2)')

export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DELETE_ON_ERROR:
.PHONY: help demo test check format messages run bench bench-crash bench-ledger clean

help:
	@echo "make demo    a press office's first day on this machine: sign-up, confirmation, releases, mail, proof"
	@echo "make test    run every test"
	@echo "make check   format, lint, types, import contracts"
	@echo "make format  put the code into its form"
	@echo "make messages  bring the catalogues up to date with what pages and mails say (docs/translating.md)"
	@echo "make run     serve a press office of your own in ./office, made at the first call"
	@echo "make bench   measure it on this machine: half an hour, and the tables of docs/benchmarks.md"
	@echo "make bench-crash   kill dispatchers, relays and databases at random, and count what arrived"
	@echo "make bench-ledger  measure the forms the ledger could have"
	@echo "make clean   remove what these commands made (never ./office)"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11. Install a newer one and call: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[postgresql,dev]'
	@touch $@ $(RUNTIME)

demo: $(RUNTIME)
	$(BIN)/mailer demo

test: $(DEV)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(TESTS)

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

messages: $(DEV)
	$(BIN)/python -m mailer.texts

run: $(RUNTIME)
	@test -e office/config.toml || $(BIN)/mailer init office
	$(BIN)/mailer --config office/config.toml run

bench: $(DEV)
	$(BIN)/python bench/run.py --markdown docs/benchmarks.md
	$(BIN)/python bench/first.py --markdown docs/benchmarks.md
	$(BIN)/python bench/visitors.py --markdown docs/benchmarks.md
	$(BIN)/python bench/matching.py --markdown docs/benchmarks.md

bench-crash: $(DEV)
	$(BIN)/python bench/crash.py --markdown docs/benchmarks.md

bench-ledger: $(DEV)
	$(BIN)/python bench/ledger.py

clean:
	rm -rf $(VENV) demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
