# `make help` lists the targets. Each first makes .venv from requirements/dev.txt, and only when that or
# pyproject.toml changed.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
INSTALLED := .venv/.installed-$(shell cat pyproject.toml requirements/dev.txt tools/install.sh 2>/dev/null | sha256sum | cut -c1-16)
BENCHED := .venv/.benched-$(shell cat requirements/bench.txt 2>/dev/null | sha256sum | cut -c1-16)
TORCHED := .venv/.torched-$(shell cat requirements/integrations-torch.txt 2>/dev/null | sha256sum | cut -c1-16)
JOBS ?= 2
ARGS ?=
OURS := src tests tools hatch_build.py $(wildcard bench examples)
PAGE := src/luthier/web/page/.digest

.PHONY: help demo test check format nightly bench bench-quality bench-ax bench-hebo lock install clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: $(INSTALLED) $(PAGE)  ## a search from start to end in about a minute, in ./demo
	@tools/demo.sh

test: $(INSTALLED) $(PAGE)  ## all tests but the nightly ones (ARGS='-k words' for some, JOBS=4 for more workers)
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal $(ARGS)

check: $(INSTALLED)  ## style, types, the import law, and the sizes of the rooms
	@echo "ruff";         $(BIN)/ruff check --quiet $(OURS)
	@echo "ruff format";  $(BIN)/ruff format --quiet --check $(OURS) || \
	    { $(BIN)/ruff format --check $(OURS); echo "make format puts it right"; exit 1; }
	@echo "mypy";         $(BIN)/mypy --no-error-summary
	@echo "import law";   $(BIN)/lint-imports > .import-law.txt 2>&1 || { cat .import-law.txt; rm .import-law.txt; exit 1; }; \
	    rm -f .import-law.txt
	@$(BIN)/python tools/sizes.py
	@if [ -d web/node_modules ] && command -v npm >/dev/null; then echo "tsc"; npm --prefix web run --silent check; fi

format: $(INSTALLED)  ## puts the style right where that can be done by itself
	@$(BIN)/ruff check --quiet --fix $(OURS); $(BIN)/ruff format --quiet $(OURS)

nightly: $(TORCHED) $(PAGE)  ## all tests, the long ones too, with many more random examples
	@HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --timeout 3600 \
	    -m "nightly or not nightly" $(ARGS)

bench: $(BENCHED)  ## every benchmark in bench/, each against its bar
	@failed=0; for file in bench/[a-z]*.py; do \
	    echo "== $$file"; $(BIN)/python "$$file" $(ARGS) || failed=1; \
	done; exit $$failed

bench-quality: $(BENCHED)  ## the search against its peers: what is missing is run, then the tables (ARGS='--half all')
	@$(BIN)/python -m bench.quality run --jobs $(JOBS) $(ARGS) && $(BIN)/python -m bench.quality table $(ARGS)

bench-ax: .venv/ax/.installed  ## Ax's missing searches (ARGS='--half held-out --seeds 1 --trials-at-most 60')
	@PYTHONPATH=src .venv/ax/bin/python -W ignore -m bench.quality run --peers ax --jobs $(JOBS) $(ARGS)

bench-hebo: .venv/hebo/.installed  ## HEBO's, minutes each (the same)
	@PYTHONPATH=src .venv/hebo/bin/python -W ignore -m bench.quality run --peers hebo --jobs $(JOBS) $(ARGS)

lock: $(INSTALLED)  ## pins all packages anew (LOCK_OPTIONS=--upgrade for the newest ones)
	@tools/lock.sh && git --no-pager diff --stat -- requirements

install: $(INSTALLED) $(PAGE)  ## only the environment .venv

clean:  ## removes all that make made, .venv too
	@rm -rf .venv dist build web/node_modules src/luthier/web/page .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@if [ -e demo/.made-by-make-demo ]; then rm -rf demo; fi
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml requirements/dev.txt
	@tools/install.sh $@

# The dashboard's page. Where it can't be built, that is said, and everything else goes on.
$(PAGE): hatch_build.py $(wildcard web/*.json web/*.ts web/*.html) $(shell find web/src -type f 2>/dev/null) | $(INSTALLED)
	@$(BIN)/python hatch_build.py && touch $@ || true

# The libraries of tests/integrations that want torch, which comes first and is in no lock (see pyproject.toml).
$(TORCHED): requirements/integrations-torch.txt $(INSTALLED)
	@echo "installing torch and what requirements/integrations-torch.txt pins (once)" >&2
	@$(BIN)/python -c 'import torch' 2>/dev/null || \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input torch==2.13.0
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
	    -r requirements/integrations-torch.txt
	@rm -f .venv/.torched-*; touch $@

# torch is not in the lock (see pyproject.toml); without it Optuna's GPSampler is missing and nothing else.
$(BENCHED): requirements/bench.txt $(INSTALLED)
	@echo "installing what requirements/bench.txt pins (once)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements/bench.txt
	@$(BIN)/python -c 'import torch' 2>/dev/null || \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input torch==2.13.0
	@rm -f .venv/.benched-*; touch $@

# torch comes first, for the reason above, so that nothing of the lock asks for it.
.venv/%/.installed: requirements/bench-%.txt | $(INSTALLED)
	@echo "making .venv/$* with what requirements/bench-$*.txt pins (once)" >&2
	@$(BIN)/python -m venv --clear .venv/$*
	@.venv/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-input torch==2.13.0
	@.venv/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
	    -r requirements/bench-$*.txt
	@touch $@
