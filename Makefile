# kaanalysis: `make help` lists the targets. Everything runs in .venv, which the first target that needs it sets up.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data/demo
# By the shell, not by notdir: make's own functions take a folder with a blank in its name for two.
RUN ?= reports/$(shell basename "$(DATA)")
LANGUAGES ?= en,zh
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup lab report test notebooks lint bench bench-everyday bench-process bench-ledger bench-validity bench-decision bench-patterns bench-changes clean dictionary lock demo traps matching screenshots

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

# The stamp is newer than what it was made from, so a second run does not set up again.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer is needed; name it with make PYTHON=path/to/python3"; exit 2; }
	@echo "Setting up $(VENV) (once; a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	@touch $@

$(VENV)/.ready-lab: $(VENV)/.ready
	@echo "Adding JupyterLab to $(VENV) (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[lab]'
	@touch $@

setup: $(VENV)/.ready ## make the environment in .venv (other targets do it when it is missing)

lab: $(VENV)/.ready-lab ## open JupyterLab on the start page of the notebooks
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --notebook-dir=. notebooks/start.ipynb

report: $(VENV)/.ready ## run all notebooks and write the report (DATA=folder RUN=folder LANGUAGES=en,zh)
	$(BIN)/kaanalysis report "$(DATA)" --out "$(RUN)" --lang $(LANGUAGES) --jobs $(JOBS)

test: $(VENV)/.ready ## run all tests, notebooks included
	@run=$$(mktemp -d) && KAANALYSIS_RUN=$$run $(BIN)/python -m pytest -n $(JOBS) --dist loadscope --nbval-lax --nbval-cell-timeout=300 --ignore=notebooks/_template.ipynb; code=$$?; rm -rf $$run; exit $$code

notebooks: $(VENV)/.ready ## execute the notebooks in place, so that their kept outputs are those of today's code
	$(BIN)/python scripts/refresh_notebooks.py

lint: $(VENV)/.ready ## ruff, mypy and the import contracts
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

dictionary: $(VENV)/.ready ## write data/README.md from the contract
	$(BIN)/python -m kaanalysis.dictionary > data/README.md.new && mv data/README.md.new data/README.md

demo: $(VENV)/.ready ## make data/demo again (same seed, same bytes)
	$(BIN)/kaanalysis simulate healthy --out data/demo --seed 20260630

screenshots: $(VENV)/.ready ## pictures of the report in RUN, both languages: light, dark, phone, paper (reports/screenshots)
	$(BIN)/python scripts/screenshots.py "$(RUN)" reports/screenshots

bench: $(VENV)/.ready ## measure estimators against peers and the time of a report
	$(BIN)/python benchmarks/run.py

bench-everyday: $(VENV)/.ready ## measure the everyday report over its floor: benchmarks/EVERYDAY.md
	$(BIN)/python -m benchmarks.everyday

# pm4py is AGPL: it is measured in an environment of its own and never installed beside the workbook.
$(VENV)-bench/.ready: pyproject.toml constraints.txt
	@echo "Setting up $(VENV)-bench with the peers (once; a minute or two)"
	@test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@

bench-process: $(VENV)-bench/.ready ## measure process views and XES reading against pm4py, rustxes, r4pm: benchmarks/PROCESS.md (long)
	$(VENV)-bench/bin/python -m benchmarks.process

bench-ledger: $(VENV)-bench/.ready ## measure the ledger and its sensitivity against a plain loop and SALib: benchmarks/LEDGER.md
	$(VENV)-bench/bin/python -m benchmarks.ledger_document

traps: $(VENV)/.ready ## read every synthetic company naively and rightly: docs/companies.md
	$(BIN)/python -m benchmarks.traps

matching: $(VENV)/.ready ## measure the matching of company names beside naive ways: docs/matching.md
	$(BIN)/python -m benchmarks.matching

bench-validity: $(VENV)/.ready ## measure intervals and verdicts on companies with known truth (resumable; JOBS=2)
	$(BIN)/python -m benchmarks.validity --jobs $(JOBS)

bench-patterns: $(VENV)/.ready ## measure what 05 finds on companies with planted patterns: benchmarks/PATTERNS.md (resumable)
	$(BIN)/python -m benchmarks.patterns

bench-decision: $(VENV)/.ready ## measure what 04 predicts of the paths against simulated futures: benchmarks/DECISION.md (resumable)
	$(BIN)/python -m benchmarks.decision

bench-changes: $(VENV)/.ready ## measure how often `kaanalysis diff` sees change where there is none: benchmarks/CHANGES.md (resumable)
	$(BIN)/python -m benchmarks.changes

lock: $(VENV)/.ready ## resolve constraints.txt again from pyproject.toml
	$(BIN)/python -m pip install -q uv && $(BIN)/uv pip compile -q --universal --all-extras --no-header --no-annotate -p 3.11 pyproject.toml -o constraints.txt

clean: ## remove the environment, caches and run folders
	rm -rf $(VENV) $(VENV)-bench .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find reports -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
