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

# Three packages at a time on two cores: many tests wait rather than compute.
.PHONY: test
test: postgres tools sdk-tools fuzz-tools frontend-tools ## Run every test, with the race detector
	$(GO) test $(RACE) -p 3 -timeout 20m $(PACKAGES)

.PHONY: check
check: fresh lint spec-lint breaking test ## Everything that CI checks
	@$(MAKE) --no-print-directory race ROUNDS=200
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
bench: postgres ## Measure the whole service against a bare reference in one run, and its parts by themselves
	$(GO) test -run '^$$' -bench . -benchmem ./impl/... | grep -E '^(Benchmark|FAIL|panic)'
	$(GO) run ./tests/bench/load compare

.PHONY: growth
growth: postgres ## Fill a database with a million users and eleven million codes, and measure it against an empty one
	$(GO) run ./tests/bench/load growth

.PHONY: soak
soak: postgres ## An hour of mixed load, and what memory it takes
	$(GO) run ./tests/bench/load soak

.PHONY: profile
profile: postgres build ## Profile the service under load: JOB=captcha, enrolment, qr-create, qr-status, otp-lookup or health; SECONDS=20
	$(GO) run ./tests/bench/profile -job $(or $(JOB),captcha) -seconds $(or $(SECONDS),20)

.PHONY: postgres
postgres: ## Install a PostgreSQL server, if there is none and none is configured
	@[ -n "$${MENSHEN_DATABASE_URL:-}$${MENSHEN_TEST_DATABASE_URL:-}" ] || sh db/embedded/install.sh

.PHONY: tools
tools: ## Install what the tests need (a C compiler for -race, Chromium, curl, HAProxy, jq, oathtool, pg_dump, PgBouncer, pskctool, pskc2csv, tesseract, zbarimg) if it is missing
	@sh tests/harness/install.sh cc chromium curl haproxy jq oathtool pg_dump pgbouncer pskctool pskc2csv tesseract zbarimg

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

tests/%/.venv/.installed: tests/%/requirements.txt
	@sh tests/harness/install.sh venv
	python3 -m venv --clear tests/$*/.venv
	tests/$*/.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@cp $< $@

# How long each fuzz target of Go runs, and Schemathesis.
FUZZTIME ?= 30s
CONTRACTTIME ?= 5m

.PHONY: fuzz
fuzz: postgres tools fuzz-tools ## Look for requests that nobody thought of, for FUZZTIME a target and CONTRACTTIME; SEED= repeats a run
	MENSHEN_TEST_FUZZ=$(FUZZTIME) MENSHEN_TEST_FUZZ_CONTRACT=$(CONTRACTTIME) MENSHEN_TEST_SEED=$(SEED) \
	  $(GO) test -json -count=1 -timeout 2h -run 'TestContract$$|TestTargets$$|Hostile' ./tests/fuzz ./tests/contract | $(GO) run ./tests/harness/table

.PHONY: fuzz-tools
fuzz-tools: tests/fuzz/.venv/.installed ## Install Schemathesis (and Python's venv), as locked, below tests/fuzz

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

.PHONY: fault
fault: postgres ## Kill, cut off and overload the service, at full length, and print what came of it
	MENSHEN_TEST_FAULT=full $(GO) test -json -count=1 -parallel 4 -timeout 40m ./tests/fault | $(GO) run ./tests/harness/table

# Without the race detector, which has seen every race in make test: it would take a fourfold time.
ROUNDS ?= 2000
.PHONY: race
race: postgres ## Run the races of tests/race ROUNDS times (2000), dear ones more rarely
	MENSHEN_TEST_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 4h -json ./tests/race | $(GO) run ./tests/harness/table

.PHONY: enumeration
enumeration: postgres ## Time 1,000 requests at each door, half of them for accounts that there are
	MENSHEN_TEST_TIMINGS=1000 $(GO) test -count=1 -timeout 60m -json -run TestNobodyLearnsFrom ./tests/e2e | $(GO) run ./tests/harness/table

.PHONY: mutants
mutants: postgres ## Take the guards away one by one, and see a test turn red each time
	MENSHEN_TEST_MUTANTS=all $(GO) test -count=1 -timeout 90m -json ./tests/mutation | $(GO) run ./tests/harness/table

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
