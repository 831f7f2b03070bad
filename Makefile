# Two commands matter: `make run` and `make test`. Both need nothing but Python 3.11 and make.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCKS := requirements/run.txt requirements/dev.txt
N ?= 2000
SEED ?= 1
ARGS ?=

.PHONY: help run test check worlds laws bench settings lock clean

help:
	@echo "make run       run the sync; without cosell.toml together with the sandbox"
	@echo "make test      checks, then the whole test suite"
	@echo "make check     style, types and contracts between the packages"
	@echo "make worlds    N=100000 SEED=1: simulated worlds, for the night"
	@echo "make laws      N=10000: the laws on freshly drawn examples, for the night"
	@echo "make bench     benchmarks; writes docs/performance.md"
	@echo "make settings  write docs/reference anew"
	@echo "make lock      resolve the dependencies anew (needs uv)"

run: $(READY)
	@exec $(BIN)/cosell run $(ARGS)

# pytest comes last, so that its closing line is the last one shown.
test: check
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

worlds: $(READY)
	$(BIN)/python -m tests.world --n $(N) --seed $(SEED)

laws: $(READY)
	COSELL_EXAMPLES=$(N) $(BIN)/python -m pytest -n 2 -m hypothesis $(ARGS)

bench: $(READY)
	$(BIN)/python -m bench

settings: $(READY)
	$(BIN)/python -m cosell.config.reference docs/reference
	$(BIN)/python -m cosell.wiring.catalogue docs/reference

# Made again whenever a lock or the package's own description changes.
$(READY): $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Cosell needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing the locked dependencies into $(VENV) (once)."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "Python cannot make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/run.txt -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

lock:
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --group dev -c requirements/run.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
