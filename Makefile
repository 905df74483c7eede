# codisearch: `make` prints what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install run test lint search viz mlflow clean

help: ## Print this help
	@echo "codisearch: find the ICD-10-CM code of a clinical phrase"
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | column -t -s '|'

install: $(INSTALLED) ## Create the environment from pinned versions (done once, by run and test too)

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; give its path with make PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: $(INSTALLED) ## Do everything: train, index, evaluate; ends in a table per language
	$(BIN)/kedro run $(ARGS)

test: lint ## Lint, types, import contracts, tests with coverage
	$(BIN)/python -m pytest --cov --cov-report=term

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

search: $(INSTALLED) ## Search: make search Q="dolor torácico opresivo"
	@$(BIN)/codisearch search "$(Q)"

viz: $(INSTALLED) ## Open Kedro-Viz on http://127.0.0.1:4141
	$(BIN)/kedro viz run

mlflow: $(INSTALLED) ## Open the MLflow UI on http://127.0.0.1:5000
	MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow server --backend-store-uri sqlite:///mlflow.db --workers 1

clean: ## Remove what runs made (models, reports, caches), not the environment and the ledger
	find data/0[2-8]_* -mindepth 1 ! -name .gitkeep -delete
	rm -rf data/test_run data/01_raw/raw_pairs.parquet data/01_raw/confusables.parquet .pytest_cache .mypy_cache .ruff_cache
