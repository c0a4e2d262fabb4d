# make repro and make test are all that is needed: both install what is missing first.
PYTHON ?= python3.11
SHELL := /bin/sh
ROOT := $(CURDIR)

# Stages and DVC find this environment's python first; nothing calls a script of .venv/bin by its shebang line,
# which would break in a folder with spaces in its name.
HOST_PATH := $(PATH)
export PATH := $(ROOT)/.venv/bin:$(HOST_PATH)
export PYTHONPATH :=
# Seven stages import torch and mlflow: bytecode is kept in .venv even where the shell says that none is written.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup repro test coverage lint format mlflow-ui clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## the environment in .venv from requirements.lock, and the libraries bpy needs
	@export PATH="$(HOST_PATH)"; command -v "$(PYTHON)" >/dev/null || { echo "error: $(PYTHON) is not installed: install Python 3.11, or point to it with make PYTHON=/path/to/python3.11" >&2; exit 8; }; \
		"$(PYTHON)" scripts/set_up.py

repro: setup ## the whole pipeline: dvc repro
	python -m dvc repro

test: setup ## all tests
	@python scripts/set_up.py --tests
	python -m pytest -n 2 --dist worksteal --tb=short -rfEs $(TESTS)

coverage: setup ## all tests, and what they leave out; a third slower
	@python scripts/set_up.py --tests
	python -m pytest -n 2 --dist worksteal --tb=short -rfEs --cov --cov-report=term:skip-covered $(TESTS)

lint: setup ## ruff and mypy
	python -m ruff check .
	python -m ruff format --check .
	python -m mypy

format: setup ## ruff's fixes and layout
	python -m ruff check --fix .
	python -m ruff format .

mlflow-ui: setup ## the recorded runs on http://127.0.0.1:5000
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false python -m mlflow server --workers 1 --port 5000 \
		--backend-store-uri "sqlite:///$(ROOT)/mlflow.db" --default-artifact-root "$(ROOT)/mlartifacts"

clean: ## removes what the pipeline wrote; the DVC cache, the remote and the recorded runs stay
	rm -rf data models reports runs build .cache .coverage .pytest_cache .mypy_cache .ruff_cache
