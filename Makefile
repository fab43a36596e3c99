# Every target makes the environment first: a fresh clone needs Python 3.11-3.13, make and git only.
# PYTHON picks another interpreter: make daily PYTHON=python3.12

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALL_LOG := $(VENV)/install.log
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-deps
KILLS ?= 200
SEED ?= 1
AUDIT := $(VENV)/audit
AUDIT_LOCK := .ci/audit.lock
CLIENTS := $(VENV)/clients
CLIENTS_LOCK := .ci/clients.lock
SUPERSET := $(VENV)/superset
SUPERSET_LOCK := .ci/superset.lock
SBOM := data/sbom.cdx.json
DEPLOYED := $(VENV)/.deployed
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
MANIFEST := dbt/target/manifest.json
DBT_FILES := $(shell find dbt -type f -not -path 'dbt/target/*' -not -path 'dbt/logs/*' 2>/dev/null)

.PHONY: help install daily dev serve demo notebook docs test test-slow extras test-deployment test-clients superset test-superset chaos check format bench audit sbom canary lock clean

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

install: $(INSTALLED) $(MANIFEST) ## make the environment and prepare dbt (done by every other target)

$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11, 3.12 or 3.13 is needed; none is on the PATH (set PYTHON=...)'; exit 1; }
	@echo "==> environment in $(VENV) with $$($(PYTHON) --version): about 200 packages, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^uv==/ { found = 1 } found { print } found && !/\\$$/ { exit }' requirements.lock > $(VENV)/uv.txt
	@{ $(PIP) --quiet --require-hashes -r $(VENV)/uv.txt \
		&& $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --compile-bytecode --no-deps --require-hashes -r requirements.lock; } \
		> $(INSTALL_LOG) 2>&1 \
		|| { echo "    uv could not be used ($(INSTALL_LOG)): pip takes a minute or two"; \
			$(PIP) --require-hashes -r requirements.lock >> $(INSTALL_LOG) 2>&1; } \
		|| { tail -20 $(INSTALL_LOG); exit 1; }
	@$(PIP) --quiet --no-build-isolation --editable . >> $(INSTALL_LOG) 2>&1 || { tail -20 $(INSTALL_LOG); exit 1; }
	@test -x $(BIN)/tokenmart
	@touch $@

# the manifest is built here, once, and not when Dagster loads the code
$(MANIFEST): $(INSTALLED) $(DBT_FILES)
	@echo "==> preparing dbt"
	@$(BIN)/python -m assets.dbt_project
	@touch $@

daily: install ## data to published marts: in the sandbox, or live with TOKENMART_PROFILE=live
	@$(BIN)/tokenmart daily

dev: install ## the Dagster UI on this machine
	@$(BIN)/tokenmart dev

demo: install ## look at the generated market: its pages, made if need be and opened
	@$(BIN)/tokenmart demo

notebook: install ## the notebooks in the browser, on what is published (docs/connect.md)
	@$(BIN)/marimo edit --host 127.0.0.1 --skip-update-check notebooks

serve: install ## the published marts over HTTP, on this machine
	@$(BIN)/tokenmart serve

test: install ## all tests but the slow proofs
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-slow: install ## the proofs that take minutes (PROOFS=tests/e2e/test_daily.py: some of them)
	@$(BIN)/python -m pytest -m slow $(PROOFS)

chaos: install ## pull the plug at random moments (KILLS=200 SEED=1 CHAOS="--faults full_disk"; see docs/operations.md)
	@$(BIN)/python -m tests.chaos --kills $(KILLS) --seed $(SEED) $(CHAOS)

check: install ## lint, format, types, import rules, insecure patterns
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint dbt --processes 2
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive pipelines assets scripts

format: install ## write the format that `check` wants
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix dbt --processes 2

docs: install ## dbt's own pages of the marts as they were last built, in data/docs
	@data="$${TOKENMART_DATA_DIR:-$(CURDIR)/data}"; cd dbt && TOKENMART_DATA_DIR="$$data" \
		../$(BIN)/dbt --quiet docs generate --static --profiles-dir . \
		--select path:models/marts --target-path "$$data/docs" && echo "$$data/docs/static_index.html"

bench: install ## speed and memory, as ratios (see benchmarks/)
	@$(BIN)/python -m benchmarks

$(AUDIT)/.installed: $(AUDIT_LOCK) | install
	@$(BIN)/uv venv --quiet --clear $(AUDIT)
	@$(BIN)/uv pip install --quiet --system-certs --python $(AUDIT)/bin/python --no-deps --require-hashes -r $(AUDIT_LOCK)
	@touch $@

audit: $(AUDIT)/.installed ## known vulnerabilities of the locked packages (asks PyPI's advisories over the network)
	@$(AUDIT)/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes -r requirements.lock

sbom: $(AUDIT)/.installed ## a CycloneDX bill of materials of the lock, in data/sbom.cdx.json
	@mkdir -p $(dir $(SBOM))
	@$(AUDIT)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file $(SBOM) requirements.lock
	@echo "$(SBOM)"

$(CLIENTS)/.installed: $(CLIENTS_LOCK) .ci/clients/package-lock.json | install
	@$(BIN)/uv venv --quiet --clear $(CLIENTS)
	@$(BIN)/uv pip install --quiet --system-certs --python $(CLIENTS)/bin/python --no-deps --require-hashes -r $(CLIENTS_LOCK)
	@if command -v npm > /dev/null; then cp .ci/clients/package*.json $(CLIENTS)/ \
		&& npm --prefix $(CLIENTS) ci --silent --no-audit --no-fund; fi
	@touch $@

test-clients: $(CLIENTS)/.installed ## every recipe of docs/connect.md, by the client itself in an environment of its own
	@$(BIN)/python -m pytest tests/e2e/test_clients.py

$(SUPERSET)/.installed: $(SUPERSET_LOCK) | install
	@echo "==> Apache Superset in $(SUPERSET)"
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.13' $(SUPERSET)
	@$(BIN)/uv pip install --quiet --system-certs --python $(SUPERSET)/bin/python --compile-bytecode --no-deps \
		--require-hashes -r $(SUPERSET_LOCK)
	@touch $@

superset: $(SUPERSET)/.installed ## Apache Superset on what is published, with two dashboards, on this machine
	@$(BIN)/python scripts/superset.py

test-superset: $(SUPERSET)/.installed ## Superset's dashboards, against the published file
	@$(BIN)/python -m pytest tests/e2e/test_superset.py

canary: install ## build the lake of TOKENMART_DATA_DIR with this code beside it, and compare
	@$(BIN)/tokenmart canary

lock: ## resolve the dependencies of pyproject.toml anew: the project's, a deployment's, its tests', and each environment's of its own
	@$(LOCK) pyproject.toml --group dev --output-file requirements.lock
	@$(LOCK) pyproject.toml --all-extras --group build --constraint requirements.lock \
		--output-file deploy/requirements.lock
	@$(LOCK) pyproject.toml --all-extras --group deployment --constraint requirements.lock \
		--constraint deploy/requirements.lock --output-file deploy/requirements-test.lock
	@$(LOCK) --group audit --output-file $(AUDIT_LOCK)
	@$(LOCK) --group clients --output-file $(CLIENTS_LOCK)
	@$(LOCK) --group superset --output-file $(SUPERSET_LOCK)

$(DEPLOYED): $(INSTALLED) deploy/requirements-test.lock
	@echo "==> what a deployment has beside it"
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --no-deps --require-hashes \
		-r deploy/requirements-test.lock
	@touch $@

extras: install $(DEPLOYED) ## what a deployment may want: PostgreSQL, a bucket, traces (docs/deployment.md)

test-deployment: extras ## the proofs of these, and of deploy/
	@$(BIN)/python -m pytest tests/deployment

clean: ## delete everything that runs wrote (the lake too)
	rm -rf data dbt/target dbt/logs
