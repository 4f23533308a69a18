# Everything a fresh machine needs: Python 3.11 or newer with venv, and this file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SECONDS ?= 60
STAMP := $(VENV)/.installed

.PHONY: perf test lint types unit bench chromium fuzz clean

perf: $(STAMP)            ## run the marketplace load tests against the embedded platform
	$(BIN)/pytest perf_tests -m marketplace

test: lint types unit     ## what CI runs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP) chromium
	$(BIN)/pytest -n 2 --dist worksteal

bench: $(STAMP)           ## the generator beside its peers; needs nginx, openssl, wrk and hey (Debian packages)
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks.throughput

chromium:                 ## the browser that looks at report pages, where there is none: Debian's package
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

fuzz: $(STAMP)            ## hostile answers against the parser, guided by coverage, for SECONDS
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	$(BIN)/python -m fuzz.fuzz_message --seconds $(SECONDS)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
