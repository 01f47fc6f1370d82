# make up     install, and start the system of this repository     make check  the inner loop: style, types, layers, fast tests
# make setup  install                                               make test   everything
# make bench  measure, each figure beside its baseline              JSON=1      one JSON object on the last line

PYTHON ?= python3
PIP := .venv/bin/pip --disable-pip-version-check install --quiet
STEPS := PATH="$(CURDIR)/.venv/bin:$$PATH" JSON="$(JSON)" .ci/steps
STATIC := 'format=ruff format --check' 'lint=ruff check' 'mypy=mypy' 'pyright=pyright' 'layers=lint-imports'

unexport PYTHONDONTWRITEBYTECODE  # the second start is fast because of what the first one left

.PHONY: up setup check test bench

up: .venv/ready
	@exec .venv/bin/mads up

setup: .venv/ready

check: .venv/ready-dev
	@$(STEPS) check $(STATIC) 'tests=pytest -q -m "not slow"'

test: .venv/ready-dev
	@$(STEPS) test $(STATIC) 'tests=pytest'

bench: .venv/ready-dev
	@.venv/bin/python -m benchmarks

.venv/ready: requirements.lock requirements-build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'mads needs Python 3.11 or newer, and `$(PYTHON)` is not; name one: make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes --no-compile -r requirements.lock -r requirements-build.lock
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.lock
	$(PIP) --require-hashes --no-compile -r requirements-dev.lock
	@touch $@
