# `make help` lists what there is. Everything runs from one .venv; nothing is installed outside this folder.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--allow-unsafe --strip-extras
THROWAWAY := SECRET_KEY=only-for-this-one-check DEMO=on

.DEFAULT_GOAL := help
.PHONY: help run test nightly check bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.for-running var/settings.env ## Set everything up and serve the demo world on http://127.0.0.1:8000
	@exec $(BIN)/flask --app wsgi serve

test: .venv/.for-testing ## Set everything up and run every test
	@$(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder $(ARGS)

nightly: .venv/.for-testing ## Play thousands of histories of bookings on both databases, others every time
	@$(BIN)/python -m tests.states --examples 5000 --doctor $(ARGS)

check: .venv/.for-testing ## Format, lint, types, the arrows between layers, migrations equal to the models
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not formatted: run $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && export $(THROWAWAY) DATABASE_URL="sqlite:///$$folder/check.sqlite3" \
		&& $(BIN)/flask --app wsgi db upgrade && $(BIN)/flask --app wsgi db check

bench: .venv/.for-testing ## Measure speed and behaviour under load
	@$(BIN)/python -m tests.bench $(ARGS)

lock: .venv/.for-testing ## Choose versions anew from requirements*.in
	@$(LOCK) --upgrade --output-file=requirements-dev.txt requirements-dev.in
	@$(LOCK) --constraint=requirements-dev.txt --output-file=requirements.txt requirements.in

clean: ## Remove what was set up, the database of var/ excepted
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find booking tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Coulisses needs Python 3.11 or newer; name one: make PYTHON=python3.12 …"; exit 1; }
	@echo "Creating .venv …"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "The venv module is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

.venv/.for-running: requirements.txt | .venv/bin/python
	@echo "Installing what Coulisses needs, about a minute …"
	@$(PIP) install --require-hashes -r requirements.txt
	@touch $@

.venv/.for-testing: requirements-dev.txt requirements.txt | .venv/bin/python
	@echo "Installing what Coulisses and its tests need, about a minute …"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch .venv/.for-running $@

var/settings.env:
	@echo "Writing var/settings.env: the demo world, and a secret key of its own …"
	@mkdir -p var && umask 077 && printf 'DEMO=on\nSECRET_KEY=%s\n' \
		"$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(48))')" > $@.new && mv $@.new $@
