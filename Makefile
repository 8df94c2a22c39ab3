# make audit: judge every claim and write the report.  make test: the tests of the harness, then a quick audit.
# make site: audit, then the folder to publish: this run and those of other machines in evidence/, merged (docs/publish.md).
PYTHON ?= python3
VENV ?= .venv
REPORT ?= audit-report
SITE ?= site
PREVIOUS ?= $(wildcard $(SITE)/verdicts.json)
BIN := $(VENV)/bin
EVIDENCE := $(wildcard evidence/*.jsonl)
AUDIT = $(BIN)/pytest claims -n auto --quiet --report $(REPORT)
MERGE = $(BIN)/python -m reports merge $(SITE)/evidence/*.jsonl -o $(SITE)

.PHONY: audit site test clean

audit: $(VENV)/installed
	@$(AUDIT)

# What fails is published too, because it is what a reader must know; the exit status tells it afterwards. An earlier site that
# cannot be compared with is no reason not to publish.
site: $(VENV)/installed
	@rm -rf $(REPORT)/evidence.jsonl $(SITE)/evidence; status=0; $(AUDIT) || status=$$?; \
	mkdir -p $(SITE)/evidence && cp $(REPORT)/evidence.jsonl $(SITE)/evidence/audit.jsonl && \
	$(if $(EVIDENCE),cp $(EVIDENCE) $(SITE)/evidence &&) \
	{ $(MERGE) $(PREVIOUS:%=--previous %) $(if $(filter file,$(origin PREVIOUS)),|| $(MERGE)); } || status=$$?; \
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
	rm -rf $(VENV) $(REPORT) $(SITE)
