# Every target makes its own .venv: only Python 3.11 or newer is needed, as $(PYTHON).
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install -qq --disable-pip-version-check -c constraints.txt

MINUTES ?= 5
AZURITE := 3.35.0

.PHONY: demo test lint contracts test-rgw bench soak venv services clean

demo: $(VENV)/.run  ## eleven real transcripts through both tiers and back
	@$(PY) -m zeitlich_store.cli demo

test: $(VENV)/.dev  ## all tests, two at a time, with coverage; PYTEST_ARGS="-k name" for some
	@$(PY) -m pytest -q -n 2 --dist worksteal --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

lint: $(VENV)/.dev  ## style, format and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

contracts: $(VENV)/.dev  ## the table of docs/contracts.md anew
	@$(PY) -m tests.contract_table

soak: $(VENV)/.dev  ## the long runs once, then random writers for MINUTES=5
	@ZS_INTERLEAVINGS=100000 ZS_STORM=200 ZS_FUZZ_EXAMPLES=100000 $(PY) -m pytest -q -n 2 -rP \
		tests/protocol/test_appends_during_a_flush.py tests/protocol/test_storm.py \
		tests/unit/test_fuzz_parsers.py tests/unit/test_fuzz_memory.py
	@$(PY) -m tests.soak --minutes $(MINUTES)

# radosgw ignores the condition of a delete, which the probe finds: the two tests of it are left out.
test-rgw: $(VENV)/.dev  ## what talks S3, on Ceph's radosgw (Debian: radosgw ceph-mon ceph-osd)
	@ZS_S3=rgw $(PY) -m pytest -q -k "(s3 or S3 or r2 or R2) and not conditional_delete and not probe_finds" \
		tests/cold/test_object_stores.py tests/cold/test_cold_tiers.py tests/test_matrix.py \
		tests/protocol/test_crash_matrix.py tests/protocol/test_storm.py $(PYTEST_ARGS)

bench: $(VENV)/.run  ## how long each step takes here; BENCH_ARGS="--hot URL --cold URL"
	@$(PY) -m benchmarks $(BENCH_ARGS)

venv: $(VENV)/.dev  ## the development environment

# Without npm the tests that need Azurite are skipped, or fail where services are required.
services: .services/azurite-$(AZURITE)  ## the emulator of Azure that the tests talk to

.services/azurite-$(AZURITE):
	@mkdir -p .services
	@npm install --prefix .services --no-save --no-package-lock --no-audit --no-fund --loglevel=error --fetch-retries=5 azurite@$(AZURITE)
	@touch $@

clean:
	rm -rf $(VENV) .services build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, set PYTHON=")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(PY)
	@$(PIP) -e '.[cli]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt requirements-dev.txt | $(PY)
	@$(PIP) -e '.[all]' -r requirements-dev.txt
	@touch $@ $(VENV)/.run
