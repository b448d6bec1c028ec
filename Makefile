# make demo     install into .venv, then the main job on real data
# make test     install into .venv, then all that CI runs, on every supported CPython found here,
#               with the oldest NumPy on one of them
# make test-aarch64  the kernels of that pack, in an emulator (Debian: qemu-user-static)
# make test-browser  the reports in JupyterLab and other hosts, in a browser (Debian: chromium)
# make bench    the figures of the documentation, against NumPy, numexpr, Numba and JAX
# make pictures the pictures of the documentation: plots, measured anew, and reports
# make notebooks the notebooks, executed and stored with their outputs
# make corpus   real functions of other packages: how many run, and for what the others are refused
# make fuzz     random expressions, statements and reductions against NumPy, each for a third of
#               FUZZ_SECONDS
# make clean    remove all that these have made
#
# PYTHON is the one that .venv is made with, WORKERS the number of processes that share the tests:
# make PYTHON=python3.12 WORKERS=8 test

PYTHON ?= python3
WORKERS ?= 2
FUZZ_SECONDS ?= 3600
BIN := .venv/bin

# What an install is made from.  It is editable: other modules are read where they are.
INSTALLED_FROM := pyproject.toml $(wildcard cpnum/tables/*.py cpnum/toolchain/*.py) $(shell find stencils -name '*.[ch]')

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_PROGRESS_BAR := off
# pytest reads it: here, and where tests/pythons.py runs it.
export PYTEST_ADDOPTS := --numprocesses=$(WORKERS) --dist=worksteal

AARCH64_TESTS := $(patsubst %,tests/test_%.py,operators python_operators result_dtypes \
    floating_point_errors fastmath elementary folds layouts views_inside register_pressure out scalars \
    mixed_dtypes bound_calls calling fuzz fuzz_statements fuzz_folds)

.PHONY: demo test test-aarch64 test-browser chromium check pythons wheel bench pictures notebooks \
    corpus fuzz clean
# Tests on two Pythons at once would only slow each other down.
.NOTPARALLEL:

demo: .venv/with-demo
	$(BIN)/python -m cpnum demo

test: check pythons

# On the Python of .venv: everything.
check: .venv/with-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/clang-format --dry-run --Werror stencils/*.[ch] stencils/math/*.h
	$(BIN)/mypy
	$(BIN)/pytest

# On the others: the wheel, in a virtual environment of its own, and a shorter random search.
pythons: wheel
	$(BIN)/python tests/pythons.py

# The packs are built already and the test extra has hatchling, so this needs no network.
wheel: .venv/with-test
	rm -rf dist
	$(BIN)/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

test-aarch64: .venv/with-test
	CPNUM_TEST=aarch64 $(BIN)/pytest -k "aarch64 or every_isa or test_fuzz or test_folds" $(AARCH64_TESTS)

test-browser: chromium .venv/with-browser
	PYTEST_ADDOPTS= $(BIN)/pytest tests/browser

# Playwright's own browsers are not needed.
chromium:
	@command -v chromium > /dev/null || { test "$$(id -u)" = 0 && command -v apt-get > /dev/null; } || { \
	    echo "tests/browser needs Chromium, which root installs on Debian: apt-get install chromium"; \
	    exit 1; }
	@command -v chromium > /dev/null || { apt-get update && apt-get install --yes chromium; }

bench: .venv/with-bench
	$(BIN)/python -m tests.benchmarks

pictures: chromium .venv/with-bench .venv/with-notebook .venv/with-browser
	$(BIN)/python tests/pictures.py
	$(BIN)/python -m tests.browser.pictures --only report docs/pictures
	$(BIN)/python -m tests.browser.pictures --only places docs/pictures/browser

# With numexpr and Numba, which the notebooks on speed show beside cpnum.
notebooks: .venv/with-test .venv/with-bench
	$(BIN)/python tests/lessons.py

corpus: .venv/with-corpus
	$(BIN)/python -m tests.corpus

fuzz: .venv/with-test
	$(BIN)/python tests/test_fuzz.py --seconds $$(($(FUZZ_SECONDS) / 3))
	$(BIN)/python tests/test_fuzz_statements.py --seconds $$(($(FUZZ_SECONDS) / 3))
	$(BIN)/python tests/test_fuzz_folds.py --seconds $$(($(FUZZ_SECONDS) / 3))

clean:
	rm -rf .venv .venv-* dist cpnum/packs .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# One stamp for each extra, in the environment that it tells about.
.venv/with-%: $(INSTALLED_FROM) | .venv/bin/pip
	$(BIN)/python -m pip install --editable '.[$*]'
	touch $@

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "cpnum needs Python 3.11 or newer, and $(PYTHON) is not: make PYTHON=python3.12 ..."; \
	    exit 1; }
	$(PYTHON) -m venv .venv
