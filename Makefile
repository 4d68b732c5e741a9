# The two commands that matter: `make report` and `make test`. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= analysis/gr2026

.PHONY: report test check clean
.DELETE_ON_ERROR:

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# One quiet try: the distribution downloads Quarto from its makers, which a closed network refuses.
$(VENV)/.quarto-tried: $(VENV)/.ready
	@command -v quarto >/dev/null || timeout 120 $(BIN)/python -m pip install --quiet --retries 0 quarto-cli >/dev/null 2>&1 || echo "Quarto is not here and cannot be fetched: the report is made with Pandoc."
	@touch $@

report: $(VENV)/.ready $(VENV)/.quarto-tried
	$(BIN)/ballot-eval run $(STUDY)

# A process per core, each with one thread for linear algebra; a file of tests stays in one process.
test: $(VENV)/.ready
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/ballot-eval schemas --check

clean:
	rm -rf build report/_generated report/_output report/_variables.yml
