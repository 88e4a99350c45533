# Everything a newcomer needs: `make demo` and `make test`. Both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint eval bench lock build clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY) ## Make .venv with the locked dependencies and the models that come as packages

$(READY): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "Python 3.11 to 3.13 is needed: make PYTHON=/path/to/python3.11 setup" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=23.2'
	@echo "Installing about 120 packages with their models, about 1 GB: a few minutes."
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable '.[dev]'
	@touch $@

demo: setup ## Play 30 seconds of voice chat through broker, worker and models, and show the flags
	$(BIN)/python -m moderation demo

test: setup ## Pass every test
	$(BIN)/python -m pytest

lint: setup ## Format, style, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

eval: setup ## Word error rate and detection quality on the demo's clips; DATA=FOLDER of labelled texts judges toxicity too
	$(BIN)/python -m moderation.demo.evaluate
ifdef DATA
	$(BIN)/python -m moderation.toxicity.evaluate --data $(DATA)
else
	@echo "The toxicity model was not judged: give DATA=FOLDER with train/ and test/ (moderation/toxicity/compact_en/MODEL_CARD.md)"
endif

bench: setup ## Our paths beside what they are compared with, minutes; BENCH='--speech FOLDER' for clips of your own
	$(BIN)/python -m moderation.bench $(BENCH)

lock: ## Renew .ci/constraints.txt from what .venv holds
	{ head -1 .ci/constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu//' | sort -f; } > .ci/constraints.new
	mv .ci/constraints.new .ci/constraints.txt

build: setup ## Build the wheel into dist/
	$(BIN)/python -m build --wheel

clean: ## Remove what the other targets made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .runs
