# Everything a fresh machine needs: Python 3.11 or newer with venv, and this file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SECONDS ?= 60
STAMP := $(VENV)/.installed

# Installs those of these Debian packages whose command, named as they are, is missing.
define debian
missing=$$(for each in $(1); do command -v $$each >/dev/null || echo $$each; done); \
[ -z "$$missing" ] || { SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); \
  $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }
endef

.PHONY: perf test lint types unit bench chromium fuzz clean

perf: $(STAMP)            ## run the marketplace load tests against the embedded platform
	$(BIN)/pytest perf_tests -m marketplace

test: lint types unit     ## what CI runs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

# Many tests run loads, and a machine that others use, too, stands still now and then: one of 7,500 then fails, each
# time another one. What failed runs once more, alone, and is named; what fails again has failed. Any other end than
# failed tests (an interrupt, an error of pytest) is final.
unit: $(STAMP) chromium
	$(BIN)/pytest -n 2 --dist worksteal || { [ $$? = 1 ] && \
	  echo "Once more, alone, what failed beside others:" && $(BIN)/pytest -v --last-failed; }

bench: $(STAMP)           ## the generator beside its peers, some of which are Debian packages
	@$(call debian,nginx openssl wrk hey)
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks.throughput

chromium:                 ## the browser that looks at report pages, where there is none: Debian's package
	@command -v google-chrome >/dev/null || { $(call debian,chromium); }

fuzz: $(STAMP)            ## hostile answers against the parser, guided by coverage, for SECONDS
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	$(BIN)/python -m fuzz.fuzz_message --seconds $(SECONDS)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
