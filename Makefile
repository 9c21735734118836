# make up · test · check · scale · bench · clean: each sets up what it needs by itself.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help sbom soak up down test whole beside web-tests check unit scale logs bench clean lock setup web backup restore redrive token doctor cost deploy

# A `python3.13` on PATH may be a pyenv shim that does not run, wherever HOME points: each candidate is tried.
CANDIDATES := python3.13 $(HOME)/.pyenv/versions/3.13*/bin/python3.13 $$(pyenv prefix 3.13.0 2>/dev/null)/bin/python3.13 \
  $$(dirname "$$(command -v pyenv || command -v python3.13)")/../versions/3.13*/bin/python3.13 /usr/local/bin/python3.13 python3
PYTHON = $(shell for p in $(CANDIDATES); do "$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)
NODE_OK := node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>22||(a===22&&b>=18)?0:1)'
UV := .venv/bin/uv
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv-node/bin:$(PATH)
# As pip does, uv trusts whom the machine trusts: behind a company's proxy its own list is not enough.
export UV_SYSTEM_CERTS ?= 1
# Where it is set, each of a stack's many processes compiles all that it imports, again and again.
unexport PYTHONDONTWRITEBYTECODE
# A stack with its Lambdas and a browser takes up to 2 GB.
STACKS_MAX := 4

help: ## say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

.venv/bin/uv: locks/tools.txt
	@test -n "$(PYTHON)" || { echo "Python 3.13 is missing: none on PATH or under pyenv runs. Install it (apt, or pyenv install 3.13.0) and try again." >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' || { echo "$(PYTHON) has no venv module: install python3.13-venv." >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/tools.txt
	@touch $@

.venv/.ready: .venv/bin/uv locks/dev.txt
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r locks/dev.txt
	@touch $@

.venv-emulator/.ready: .venv/bin/uv locks/emulator.txt
	$(UV) venv --quiet --allow-existing --python .venv/bin/python .venv-emulator
	$(UV) pip install --quiet --python .venv-emulator/bin/python --require-hashes -r locks/emulator.txt
	@touch $@

.venv-node/.ready: .venv/bin/uv locks/node.txt
	@if $(NODE_OK) 2>/dev/null; then mkdir -p .venv-node; else \
	  $(UV) venv --quiet --allow-existing --python .venv/bin/python .venv-node && \
	  $(UV) pip install --quiet --python .venv-node/bin/python --require-hashes -r locks/node.txt; fi
	@touch $@

web/node_modules/.ready: .venv-node/.ready web/package-lock.json
	npm ci --prefix web --no-fund --no-audit --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.ready $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	npm run --silent --prefix web build

setup: .venv/.ready .venv-emulator/.ready web/dist/index.html ## install everything the project needs into this folder

up: setup ## the whole stack on this machine; prints the dashboard's address; Ctrl-C stops it all
	@exec $(PY) -m local up

down: .venv/.ready ## stop a stack that another terminal (or nobody) holds
	@exec $(PY) -m local down

# Where a stack in the cloud is, as `make deploy` wrote it: a file for each, so that no command reaches another's.
OF_STACK = $(if $(STACK),--stack "outputs.$(STACK).json")

scale: .venv/.ready ## make scale N=4 [KIND=external|googleSheet] [STACK=dev]: set the ECS service's desired count
	@exec $(PY) -m local scale --count "$(N)" --kind "$(or $(KIND),external)" $(OF_STACK)

logs: .venv/.ready ## make logs [NAME=external-1|api-list|…] [FOLLOW=1] [STACK=dev]: what workers and Lambdas said, merged by time
	@exec $(PY) -m local logs $(if $(FOLLOW),--follow) $(OF_STACK) $(if $(NAME),"$(NAME)")

backup: .venv/.ready ## make backup [FILE=…] [AT=2026-11-27T12:00:00Z] [STACK=dev]: sources, documents and history into a file; no keys
	@exec $(PY) -m local backup $(if $(FILE),--file "$(FILE)") $(if $(AT),--at "$(AT)") $(OF_STACK)

restore: .venv/.ready ## make restore FILE=… [REPLACE=1] [STACK=dev]: put a backup's sources back
	@exec $(PY) -m local restore --file "$(FILE)" $(if $(REPLACE),--replace) $(OF_STACK)

redrive: .venv/.ready ## make redrive [LIST=1] [FORCE=1] [STACK=dev]: dead letters back to the queue
	@exec $(PY) -m local redrive $(if $(LIST),--list) $(if $(FORCE),--force) $(OF_STACK)

token: .venv/.ready ## make token [NEW=name [SCOPES=read,write] [DAYS=90]] [END=id] [STACK=dev]: list, make, end API tokens
	@exec $(PY) -m local token $(if $(NEW),--new "$(NEW)") $(if $(SCOPES),--scopes "$(SCOPES)") $(if $(DAYS),--days "$(DAYS)") $(if $(END),--end "$(END)") $(OF_STACK)

cost: .venv/.ready ## make cost [SOURCES=1000 INTERVAL=10 CHANGES=6 SUBSCRIBERS=100 FOLLOWS=1 DOCUMENT=5000 KEYS=0 NAT=0]: a month on AWS
	@exec $(PY) -m bench.cost $(foreach name,SOURCES INTERVAL CHANGES SUBSCRIBERS FOLLOWS DOCUMENT KEYS NAT,$(if $($(name)),$(name)="$($(name))"))

deploy: setup ## make deploy [STACK=dev] [YES=1]: look at the account, pulumi up, and write outputs.dev.json for the others
	@command -v pulumi >/dev/null || { echo "pulumi is missing: https://www.pulumi.com/docs/install/" >&2; exit 1; }
	$(PY) -m local.doctor --aws --stack "$(or $(STACK),dev)"
	pulumi up --stack "$(or $(STACK),dev)" $(if $(YES),--yes)
	pulumi stack output --json --stack "$(or $(STACK),dev)" > "outputs.$(or $(STACK),dev).json"

# Any Python from 3.10 on will do without AWS=1: the right one may be what is missing.
DOCTOR_PY = $(or $(wildcard .venv/bin/python),$(PYTHON),python3)
doctor: ## make doctor [AWS=1 [STACK=dev]]: what is wrong with this machine, or with an AWS account
	@exec $(DOCTOR_PY) -m local.doctor $(if $(AWS),--aws) $(if $(STACK),--stack "$(STACK)")

check: .venv/.ready ## format, lint, types; of Python, shell, the Dockerfile, workflows, YAML
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy .
	.venv/bin/shellcheck .ci/run
	.venv/bin/hadolint Dockerfile
	.venv/bin/yamllint --strict .github .hadolint.yaml .yamllint Pulumi*.yaml
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	.venv/bin/zizmor --offline --no-progress --quiet --persona pedantic .github

unit: .venv/.ready .venv-emulator/.ready ## the tests that need no whole stack and no browser, on every core
	.venv/bin/pytest -q -n auto --dist worksteal tests --ignore tests/e2e --ignore tests/browser

web-tests: web/node_modules/.ready
	npm run --silent --prefix web check
	npm test --silent --prefix web

# What a stack does is often to wait: a heartbeat, a poll, a page. The other checks have what the cores have left meanwhile.
test: setup ## every check there is; what needs a whole stack runs a file at a time on a stack per core, all else beside it
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target whole beside

whole: setup
	.venv/bin/pytest -q -n auto --maxprocesses $(STACKS_MAX) --dist loadfile --no-loadscope-reorder tests/e2e tests/browser

beside: setup
	MAKEFLAGS= $(PY) -m tests.behind $(MAKE) --no-print-directory check web-tests unit

soak: setup ## what takes too long for every change: API fuzzing, real processes in bad weather, a dashboard that is looked at for long, a million simulated schedules and deliveries; MINUTES=M (3 or more)
	$(PY) -m tests.e2e.fuzz --minutes $(or $(MINUTES),10)
	$(PY) -m tests.e2e.storm
	$(PY) -m bench.soak --minutes $(or $(MINUTES),10)
	$(PY) -m tests.simulation.soak $(if $(MINUTES),--minutes "$(MINUTES)")
	$(PY) -m tests.ws.deliveries 1000000

bench: setup ## make bench [ONLY="sheets diff"]: run every bench, or those, and write docs/numbers.md and the README's table
	$(PY) -m bench.run $(ONLY)

SBOM := build/sbom
sbom: setup ## what the shipped parts consist of, as CycloneDX, and under which licences: build/sbom/
	rm -rf $(SBOM) && $(UV) venv --quiet --python $(PY) $(SBOM)/tools
	$(UV) pip install --quiet --python $(SBOM)/tools/bin/python --require-hashes -r locks/sbom.txt
	for group in lambda preview worker; do $(UV) venv --quiet --python $(PY) $(SBOM)/of-$$group && \
	  $(UV) pip install --quiet --python $(SBOM)/of-$$group/bin/python --require-hashes -r locks/$$group.txt && \
	  $(SBOM)/tools/bin/cyclonedx-py environment --output-reproducible --of JSON -o $(SBOM)/$$group.cdx.json $(SBOM)/of-$$group/bin/python && \
	  $(SBOM)/tools/bin/pip-licenses --python $(SBOM)/of-$$group/bin/python --format markdown --output-file $(SBOM)/$$group.licences.md || exit 1; done
	npm sbom --prefix web --sbom-format cyclonedx --omit dev > $(SBOM)/dashboard.cdx.json
	rm -rf $(SBOM)/tools $(SBOM)/of-*

lock: .venv/bin/uv ## make lock [UPGRADE=1]: write locks/*.txt anew from pyproject.toml: versions and hashes, no addresses
	for group in tools node emulator sbom dev; do $(UV) pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.13 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --group $$group -o locks/$$group.txt || exit 1; done
	for group in lambda preview worker; do $(UV) pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --python-version 3.13 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links -c locks/dev.txt --group $$group -o locks/$$group.txt || exit 1; done

clean: ## remove everything that make made
	rm -rf .venv .venv-emulator .venv-node build .local web/node_modules web/dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
