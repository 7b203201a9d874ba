# Two commands do everything on a machine with python3.11 and make: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1

.PHONY: help demo ask test fuzz check format claims lock clean test-models test-real

help:
	@echo "make demo    install into $(VENV) and measure six embedded rooms end to end"
	@echo "make ask     install into $(VENV) with what measures in your own photos, and say how to go on"
	@echo "make test    install and run the test suite"
	@echo "make fuzz    property tests with fresh examples, ROUNDS times (2)"
	@echo "make test-models  the neural experts with tiny random weights (installs torch)"
	@echo "make test-real  captured rooms, real depth, real footage (fetches packages, skips what it cannot)"
	@echo "make check   lint, format, types, layers, size ratchet"
	@echo "make claims  print every claimed number beside its bound (NAME=group, JSON=file)"

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Surveyor needs $(PYTHON); set PYTHON=... to another 3.11+ interpreter"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/surveyor demo

ask: $(VENV)/.installed
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'opencv-python-headless>=4.10'
	@echo 'next:  . $(BIN)/activate && surveyor ask PHOTOS "How wide is the window?"    (PHOTOS: photos, a folder of them, or a video)'

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Every property test, by fresh examples each round; what fails prints how to repeat it.
fuzz: $(VENV)/.installed
	for round in $$(seq $(or $(ROUNDS),2)); do \
	  HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -q -n 2 --dist loadfile $$(grep -rl "^from hypothesis" tests --include="test_*.py") || exit 1; done

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/ratchet.py

# The neural experts with small random weights, on a CPU, in an environment of their own.
MODELS := .venv-models
$(MODELS)/.installed: requirements/models.in requirements/models-constraints.txt pyproject.toml
	$(PYTHON) -m venv $(MODELS)
	$(MODELS)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/models-constraints.txt -r requirements/models.in
	$(MODELS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps depth-anything-3==0.1.1 --editable .
	@touch $@

test-models: $(MODELS)/.installed
	$(MODELS)/bin/python -m pytest tests/models -m models

# Real rooms, depth and footage out of packages; what cannot be had skips with its reason.
REAL := .real
$(REAL)/.installed: $(VENV)/.installed
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 --no-deps --target $(REAL)/lib 'opencv-python-headless>=4.10'
	@mkdir -p $(REAL) && touch $@

test-real: $(REAL)/.installed
	SURVEYOR_REAL=$(REAL)/data PYTHONPATH=$(CURDIR)/$(REAL)/lib $(BIN)/python -m pytest tests/real tests/services/test_depth_check.py -rs

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What we state, measured: one group, or all but those that take an hour.
claims: $(VENV)/.installed
	$(BIN)/python -m tests.claims $(or $(NAME),all) $(if $(JSON),--json $(JSON))

# Regenerate the locks after editing pyproject.toml (needs `pip install uv` in the environment).
lock:
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements/core.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -c requirements/core.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) $(MODELS) $(REAL) build dist *.egg-info
