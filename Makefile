# Menshen. `make` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

GO ?= go
# The race detector is part of the promise; RACE= leaves it out for a quick look.
RACE ?= -race
PACKAGES ?= ./...
SPECTRAL := @stoplight/spectral-cli@6.16.3
REDOCLY := @redocly/cli@2.77.0
# Run by its version and no tool of go.mod: dozens of modules, some of which we use in other versions, would become ours.
OASDIFF := github.com/oasdiff/oasdiff@v1.33.0
CONTRACT := openapi/openapi.yaml
OWN_GO = $(shell git ls-files --cached --others --exclude-standard '*.go' ':!gen/gen.go')

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: postgres build ## Serve on 127.0.0.1:8080, with a private PostgreSQL in .data/
	@exec bin/menshen serve

.PHONY: test
test: postgres tools sdk-tools frontend-tools ## Run every test, with the race detector
	$(GO) test $(RACE) -timeout 20m $(PACKAGES)

.PHONY: check
check: fresh lint spec-lint breaking test ## Everything that CI checks
	@echo "check: all good"

.PHONY: build
build: ## Build bin/menshen
	$(GO) build -trimpath -o bin/menshen ./impl/cmd/menshen

.PHONY: gen
gen: ## Merge the contract and generate gen/ from it
	$(GO) run ./openapi/merge
	$(GO) tool oapi-codegen -config oapi-codegen.yaml openapi/openapi.yaml

.PHONY: types
types: frontend-tools ## Generate tests/frontend/contract.d.ts, the contract for TypeScript
	cd tests/frontend && npm run --silent types -- --output contract.d.ts

.PHONY: fresh
fresh: ## Fail when openapi.yaml, gen/ or go.mod is not what its source gives
	$(GO) test -count=1 -run Fresh ./tests/contract
	$(GO) mod tidy -diff

.PHONY: fmt
fmt: ## Format the code
	$(GO) tool gofumpt -w $(OWN_GO)

.PHONY: lint
lint: ## Formatting, vet and staticcheck
	@out=$$($(GO) tool gofumpt -l $(OWN_GO)); [ -z "$$out" ] || { echo "not formatted; run 'make fmt':"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: spec-lint
spec-lint: node ## Lint the contract with the rules of Spectral and Redocly; a warning fails
	npx --yes $(SPECTRAL) lint --ruleset openapi/.spectral.yaml --fail-severity warn openapi/openapi.yaml
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx --yes $(REDOCLY) lint --config openapi/.redocly.yaml openapi/openapi.yaml

.PHONY: breaking
breaking: ## Fail when the contract breaks clients of the last release
	@sh openapi/released.sh check
	$(GO) run $(OASDIFF) breaking --fail-on WARN --severity-levels openapi/breaking.txt openapi/released.yaml $(CONTRACT)

.PHONY: released
released: ## Take the contract as that of the release that is about to be tagged
	@sh openapi/released.sh write

.PHONY: bench
bench: postgres ## Run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./impl/... ./tests/...

.PHONY: postgres
postgres: ## Install a PostgreSQL server, if there is none and none is configured
	@[ -n "$${MENSHEN_DATABASE_URL:-}$${MENSHEN_TEST_DATABASE_URL:-}" ] || sh db/embedded/install.sh

.PHONY: tools
tools: ## Install what the tests need (a C compiler for -race, Chromium, curl, HAProxy, jq, oathtool, PgBouncer, pskctool, pskc2csv, tesseract, zbarimg) if it is missing
	@sh tests/harness/install.sh cc chromium curl haproxy jq oathtool pgbouncer pskctool pskc2csv tesseract zbarimg

.PHONY: sdk
sdk: postgres sdk-tools ## Run the official SDKs against the service
	$(GO) test -count=1 -v ./tests/sdk

# The stamps are copies of the lock files, with which the tests compare them.
.PHONY: sdk-tools
sdk-tools: tests/sdk/node_modules/.installed tests/sdk/.venv/.installed ## Install the official SDKs (and Node.js, Python's venv), as locked, below tests/sdk

tests/%/node_modules/.installed: tests/%/package-lock.json tests/%/package.json tests/%/.npmrc
	@sh tests/harness/install.sh nodejs
	cd tests/$* && npm ci
	@cp $< $@

tests/sdk/.venv/.installed: tests/sdk/requirements.txt
	@sh tests/harness/install.sh venv
	python3 -m venv --clear tests/sdk/.venv
	tests/sdk/.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/sdk/requirements.txt
	@cp tests/sdk/requirements.txt $@

.PHONY: frontend
frontend: postgres frontend-tools ## Run the stories in TypeScript against the service
	$(GO) test -count=1 -v ./tests/frontend

.PHONY: frontend-tools
frontend-tools: tests/frontend/node_modules/.installed ## Install what front ends need (TypeScript, openapi-fetch; and Node.js), as locked, below tests/frontend

.PHONY: browser
browser: postgres tools frontend-tools ## Try the pages in Chromium; pictures of them end in bin/screenshots
	MENSHEN_TEST_PAGES=all $(GO) test -count=1 -v ./tests/browser

.PHONY: pictures
pictures: browser ## Take the pictures of the READMEs from those of the pages
	@for of in qr-login=sign-in-qr-scanned account=account; do \
	  cp bin/screenshots/$${of#*=}-en-light-desk.png tests/browser/pictures/$${of%=*}.png; \
	  cp bin/screenshots/$${of#*=}-zh-dark-desk.png tests/browser/pictures/$${of%=*}.zh.png; \
	done

.PHONY: ocr
ocr: tools ## Let an OCR engine try 500 captchas of each kind
	MENSHEN_TEST_OCR=500 $(GO) test -count=1 -timeout 60m -v ./tests/ocr

.PHONY: pooler
pooler: postgres tools ## Run the stories, races and faults through PgBouncer, which lends a connection for one transaction
	MENSHEN_TEST_POOLER=pgbouncer $(GO) test -count=1 -timeout 30m ./tests/e2e ./tests/fault
	MENSHEN_TEST_POOLER=pgbouncer MENSHEN_TEST_POOLER_SIZE=80 $(GO) test -count=1 -timeout 30m ./tests/race

.PHONY: rolling
rolling: postgres tools ## Restart three replicas behind HAProxy in turn, ten times, while clients go on; prints figures
	MENSHEN_TEST_ROUNDS=10 $(GO) test -count=1 -json ./tests/rolling | $(GO) run ./tests/harness/table

.PHONY: node
node: ## Install Node.js if it is missing (for the linters of the contract)
	@sh tests/harness/install.sh npx

.PHONY: clean
clean: ## Remove what was built (not .data/)
	rm -rf bin
	$(GO) clean -testcache
