# Two commands do everything on a machine with python3.11 and make: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1

.PHONY: help demo test check format proofs lock clean test-models test-browser

help:
	@echo "make demo    install into $(VENV) and measure six embedded rooms end to end"
	@echo "make test    install and run the test suite"
	@echo "make check   lint, format, types, floors, size ratchet"
	@echo "make proofs  print every claimed number beside its bound"

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Surveyor needs $(PYTHON); set PYTHON=... to another 3.11+ interpreter"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/surveyor demo

test: $(VENV)/.installed
	$(BIN)/python -m pytest

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/ratchet.py

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proofs: $(VENV)/.installed
	$(BIN)/surveyor proofs all

# Regenerate the locks after editing pyproject.toml (needs `pip install uv` in the environment).
lock:
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements/core.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -c requirements/core.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) build dist *.egg-info
