# make audit: judge every claim and write the report.  make test: the tests of the harness, then a quick audit.
PYTHON ?= python3
VENV ?= .venv
REPORT ?= audit-report
BIN := $(VENV)/bin
EVIDENCE := $(wildcard evidence/*.jsonl)

.PHONY: audit test clean

audit: $(VENV)/installed
	@status=0; $(BIN)/pytest claims -n auto --quiet --report $(REPORT) || status=$$?; \
	$(if $(EVIDENCE),$(BIN)/python -m reports merge $(REPORT) $(EVIDENCE) -o $(REPORT)/merged || status=$$?;) \
	exit $$status

test: $(VENV)/installed
	$(BIN)/pytest tests -n auto --quiet
	$(BIN)/pytest claims -n auto --quiet --profile quick --report $(REPORT)/quick

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11; name a newer one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(REPORT)
