# SPDX-License-Identifier: MIT
# Everything that is done with this source: `make help` lists it. Every target does its own set-up.

PYTHON ?= python3
ARGS ?=
SUITE ?= trixie

VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.lock
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
JOBS ?= $(shell nproc)
TYPES := $(BIN)/mypy --no-error-summary
SHARED = -n $(JOBS) --dist loadgroup --no-loadscope-reorder

# containers set it, and every process of the tests would compile everything again
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run vm test test-fast test-on test-all test-full scenarios attack bench bench-boot snapshots screens pictures man json reference generated messages deb lint format system-packages lock clean

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'ARGS="..." is passed on: make run ARGS="--demo", make test ARGS="-k plan", make lock ARGS="--upgrade".'

run: $(VENV)/.ready ## Start the menu.
	@$(BIN)/bootmenu menu $(ARGS)

vm: $(VENV)/.ready ## Try the menu in a virtual arm64 machine on this terminal, with systems that it really starts.
	@$(PYTHON) scripts/system_packages.py vm
	@$(BIN)/bootmenu vm $(ARGS)

test: system-packages $(VENV)/.ready ## Run all tests, with the quick part of those that boot virtual machines.
	$(TYPES)
	$(PYTEST) $(SHARED) -m "not slow" $(ARGS)

test-fast: $(VENV)/.ready ## Run the tests that boot nothing.
	@$(PYTHON) scripts/system_packages.py fast
	$(TYPES)
	$(PYTEST) $(SHARED) -m "not vm and not slow" $(ARGS)

# without mypy, which is told to judge as Python 3.11 does wherever it runs
test-on: $(VENV)/.ready ## Run test-fast on another Debian, in a tree made of its packages (SUITE=trixie), as root.
	@$(PYTHON) scripts/system_packages.py suite
	@$(BIN)/python -m scripts.other_suite $(SUITE) JOBS=$(JOBS) TYPES=: ARGS="$(ARGS)"

test-all: export BOOTMENU_ALL_EXAMPLES = 1
test-all: system-packages $(VENV)/.ready ## Run every test there is, with every virtual machine.
	$(TYPES)
	$(PYTEST) $(SHARED) $(ARGS)

test-full: export BOOTMENU_ALL_SUITES = 1
test-full: test-all attack ## Run what takes hours, too: every test, then the attack.

scenarios: export BOOTMENU_ALL_SUITES = 1
scenarios: system-packages $(VENV)/.ready ## Let virtual machines judge every verdict, and write their table into docs/verdicts.md.
	$(PYTEST) tests/vm/test_scenarios.py $(ARGS)
	$(BIN)/python -m tests.vm.table docs/verdicts.md

attack: $(VENV)/.ready ## Attack it for hours and count what held (ARGS="inputs --count 5000": one part).
	@$(PYTHON) scripts/system_packages.py fast
	@$(BIN)/python -m tests.attack $(ARGS)

bench: $(VENV)/.ready ## Measure what is to be fast: time, and bytes read.
	@$(PYTHON) scripts/system_packages.py bench
	$(PYTEST) benchmarks $(ARGS)

bench-boot: $(VENV)/.ready ## Measure how long the first stage takes in a machine, and write it into docs/start.md.
	@$(PYTHON) scripts/system_packages.py bench
	$(BIN)/python -m benchmarks.boot_times $(ARGS)

snapshots: $(VENV)/.ready ## Draw every screen anew after a change that is meant (ARGS="menu help": only these).
	$(BIN)/python -m tests.frontends.tui.appearance $(ARGS)

screens: $(VENV)/.ready ## Write every screen of a language as pages for a reviewer (LANG=de; ARGS="menu help": only these).
	$(BIN)/python -m scripts.screens_of_language $(LANG) $(ARGS)

pictures: $(VENV)/.ready ## Draw the pictures of README.md and docs/ anew (ARGS="menu kiosk": only these).
	$(BIN)/python -m tests.frontends.tui.pictures $(ARGS)

man: $(VENV)/.ready ## Write the manual page anew from the command line.
	@$(BIN)/python -m scripts.man_page

json: $(VENV)/.ready ## Write the tables of docs/json.md anew from the source.
	@$(BIN)/python -m scripts.json_fields

reference: $(VENV)/.ready ## Write the generated parts of docs/ anew: checks, settings, command line, keys.
	@$(BIN)/python -m scripts.reference_pages

generated: man json reference messages ## Bring what is made from the source up to date; a step of every release.

messages: $(VENV)/.ready ## Bring the translations up to date with the source (ARGS="--check": only say what is missing).
	@$(BIN)/python -m scripts.messages $(ARGS)

deb: $(VENV)/.ready ## Build the Debian packages into build/debian/; docs/integration.md says what is in them.
	@$(BIN)/python -m scripts.debian_packages $(ARGS)

lint: $(VENV)/.ready ## Run ruff, mypy, import-linter and the house rules; `make test` has them, too.
	$(TYPES)
	$(PYTEST) tests/test_lint.py tests/test_style.py $(ARGS)

format: $(VENV)/.ready ## Let ruff put the source into its form, and mend what it can mend safely.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

system-packages: ## Install the system packages that the tests need and this machine lacks (apt-get, as root).
	@$(PYTHON) scripts/system_packages.py test

lock: ## Write requirements-dev.lock anew from pyproject.toml (ARGS="--upgrade" takes the newest versions).
	@$(PYTHON) scripts/system_packages.py venv
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	UV_CUSTOM_COMPILE_COMMAND='make lock' build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
		--group dev --output-file $(LOCK) $(ARGS) pyproject.toml

clean: ## Remove the virtual environment and everything else that these targets made.
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find bootmenu tests scripts -name __pycache__ -prune -exec rm -rf {} +

# Two stamps, so that a change of pyproject.toml does not download the world again. The environment is made
# from nothing each time the lock changes: what is no longer in the lock must not be importable either.
$(VENV)/.packages: $(LOCK)
	@$(PYTHON) scripts/system_packages.py venv
	@echo 'Making the virtual environment in $(VENV): 220 MB, about a minute ...'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes --only-binary :all: --requirement $(LOCK)
	@touch $@

$(VENV)/.ready: $(VENV)/.packages pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
