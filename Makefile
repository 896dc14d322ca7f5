# What people and CI run. Needs make and Python 3.11 or newer; fetches everything else itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
# Programs are started dozens of times here: they are compiled once.
unexport PYTHONDONTWRITEBYTECODE

UV := tools/uv
RUN := $(UV) run --no-sync
NPM := ../tools/npm
# Inexact: what is installed stays, so that `run` (without the test tools) and `test` do not undo each other.
SYNC := $(UV) sync --frozen --inexact --quiet --compile-bytecode

CONSOLE := src/mainstay/console_dist/index.html
CONSOLE_SOURCES := $(shell find console/src console/public console/swagger -type f 2>/dev/null) \
	$(wildcard console/*.html console/*.json console/*.ts)
PACKAGES := console/node_modules/.installed
PYTEST = $(RUN) pytest -o cache_dir=.pytest_cache/$@
BENCHES := api cmdb discovery events grok imports logsearch metrics ping polling syslog traps
# A process holds one embedded telemetry store and one jobs engine: these tests open their own.
ALONE := tests/kernel/telemetry tests/kernel/jobs
# One process more than cores, as tests also wait; who has none left takes over half of what another still has.
SPREAD := -n 3 --dist worksteal

# Tests share a process and a database. What fails is run once more by itself: what fails again fails the run, what
# passes then is named for somebody to mend (docs/decisions/0014).
define tested
	@$(PYTEST) $(1) $(2) || { [ $$? = 1 ] && echo "== $@: once more by themselves, the tests that failed" && \
	$(PYTEST) $(2) --last-failed --last-failed-no-failures none --maxfail 3 -rp && \
	echo "== $@: passed only by themselves, see their failures above"; }
endef

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-18s %s\n", $$1, $$2 }'

.PHONY: run
run: sync console ## Start Mainstay with demo data; prints the URL, an admin login and an API key
	$(RUN) mainstay demo

.PHONY: test
test: test-environment ## Run every check and every test
	@# What uses one core goes beside something else; the tests on a database use both.
	$(MAKE) -j 2 -O test-browser lint types imports docs test-console test-alone
	$(MAKE) test-postgresql
	$(MAKE) test-sqlite

.PHONY: sync
sync:
	@$(SYNC) --no-dev

.PHONY: test-environment
test-environment: console
	@$(SYNC) --all-groups
	tools/debian-packages

.PHONY: lint
lint: ## Check style and formatting
	@$(SYNC) --all-groups
	$(RUN) ruff check
	$(RUN) ruff format --check

.PHONY: types
types: ## Check types (mypy, strict)
	@$(SYNC) --all-groups
	$(RUN) mypy

.PHONY: imports
imports: ## Check the directions of imports
	@$(SYNC) --all-groups
	$(RUN) lint-imports

.PHONY: test-console
test-console: $(PACKAGES) ## Check the console's types and run its unit tests
	cd console && $(NPM) run typecheck
	cd console && $(NPM) run test

.PHONY: test-alone
test-alone: test-environment ## Run the tests that open their own stores and jobs engines
	$(call tested,,$(ALONE))

.PHONY: test-sqlite
test-sqlite: test-environment ## Run the tests on SQLite
	$(call tested,$(SPREAD),-m "not browser" $(ALONE:%=--ignore=%))

.PHONY: test-postgresql
test-postgresql: export MAINSTAY_TEST_DATABASE := postgresql
test-postgresql: test-environment ## Run the tests on PostgreSQL
	$(call tested,$(SPREAD),-m "not browser" $(ALONE:%=--ignore=%))

.PHONY: test-browser
test-browser: test-environment ## Drive the console in a real browser
	$(call tested,,-m browser tests/browser)

.PHONY: conformance
conformance: ## Count the documented operations that passing tests prove
	@$(SYNC) --all-groups
	$(RUN) python tools/conformance.py

.PHONY: bench
bench: ## Run every benchmark beside its peer
	@$(SYNC) --all-groups
	for name in $(BENCHES); do UV="$(CURDIR)/$(UV)" $(RUN) --with pygrok --with pysnmp python -m "bench.$$name"; done

.PHONY: docs
docs: ## Build the documentation into site/
	@$(SYNC) --all-groups
	NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --strict --quiet

.PHONY: console
console: $(CONSOLE) ## Build the web console, if its sources changed

$(CONSOLE): $(PACKAGES) $(CONSOLE_SOURCES)
	cd console && $(NPM) run build
	@touch $@

$(PACKAGES): console/package.json console/package-lock.json
	cd console && $(NPM) ci --no-audit --no-fund
	@touch $@

.PHONY: format
format: ## Format the sources and fix what can be fixed
	@$(SYNC) --all-groups
	$(RUN) ruff check --fix
	$(RUN) ruff format

.PHONY: clean
clean: ## Remove what was built; data stays
	rm -rf site dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .conformance \
		src/mainstay/console_dist console/node_modules .tools
