# Needs Go, make and git; everything else is fetched by Go. `make test` and `make demo`
# also need Node.js 20.19 or newer with npm, for the console and the client of that
# world, and `make test` openssl, for the certificates that deploy/ makes, and Chromium,
# which it installs on Debian; `go build ./...` and `go test ./...` do without. `make help` lists the
# targets.

GO       ?= go
FUZZTIME ?= 3s
SOAKTIME ?= 10m
CHAOSTIME ?= 10m
REQUESTS ?= 100000
BENCH    ?= .
SIZES    ?= 10000,100000
# The race detector needs a C compiler; Go says 0 where there is none.
RACE     := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)
# It also has each process wait for a second before it ends, and there are many.
export GORACE ?= atexit_sleep_ms=0

.DEFAULT_GOAL := help
.PHONY: help build console console-test console-e2e demo test lint fmt gen fuzz soak chaos bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/pemba
	$(GO) build -o bin/pemba ./cmd/pemba

# npm installs when the lock file is newer than what it installed.
console/node_modules/.package-lock.json: console/package-lock.json
	cd console && npm ci --no-audit --no-fund && touch node_modules/.package-lock.json

console: console/node_modules/.package-lock.json ## build the web console, which `make build` then embeds; needs Node.js 20.19 or newer
	cd console && npm run --silent build

console-test: console/node_modules/.package-lock.json ## lint, types, unit tests and build of the console
	cd console && npm run --silent lint && npm run --silent types && npm run --silent test && npm run --silent build

console-e2e: console/node_modules/.package-lock.json build ## the console, as it was built, in Chromium against a real server
	@test -x /usr/bin/chromium || { apt-get update && apt-get install -y chromium; }
	cd console && npm run --silent e2e

demo: console build ## serve a made-up company with its console and a service's portal; Ctrl-C ends it
	bin/pemba demo

test: lint console-test build fuzz console-e2e ## everything that has to pass before a change lands
	@test -n "$(RACE)" || echo "no C compiler: the tests run without the race detector"
	PEMBA_REQUESTS=$(REQUESTS) $(GO) test -timeout 20m -run '^(TestWorlds|TestRandomRequests)$$' ./engine ./server
	cd deploy && $(GO) test -timeout 20m ./...
	PEMBA_CLIENTS=1 $(GO) test $(RACE) -timeout 20m ./...

lint: ## gofmt, go vet, staticcheck, errcheck, ineffassign
	@bad=$$(gofmt -l .); test -z "$$bad" || { echo "not gofmt-ed: $$bad (make fmt)"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) tool errcheck ./...
	$(GO) tool ineffassign ./...
	cd deploy && $(GO) vet ./... && for tool in staticcheck errcheck ineffassign; do $$($(GO) -C .. tool -n $$tool) ./... || exit 1; done

fmt: ## format all Go files
	gofmt -w .

gen: console/node_modules/.package-lock.json ## make what is generated from server/api/**/*.proto again
	cd server/api && $(GO) run ./generate
	cd console && npm run --silent gen

# One build for all targets of a package: `go test -fuzz` makes one for each.
fuzz: ## every fuzz target, FUZZTIME=3s each
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && cache=$$($(GO) env GOCACHE)/fuzz && \
	for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' cmd engine schema server | xargs -n 1 dirname | sort -u); do \
		package=$$($(GO) list ./$$dir) && $(GO) test -c -fuzz . -o "$$tmp/fuzz.test" "$$package" || exit 1; \
		for target in $$(cd "$$dir" && "$$tmp/fuzz.test" -test.list '^Fuzz'); do \
			echo "$(GO) test -run '^$$' -fuzz '^$$target\$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package"; \
			(cd "$$dir" && "$$tmp/fuzz.test" -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzztime $(FUZZTIME) \
				-test.fuzzminimizetime 1x -test.fuzzcachedir "$$cache/$$package") || exit 1; \
		done; \
	done

soak: ## random worlds against the reference, kills under load, SOAKTIME=10m
	PEMBA_SOAK=$(SOAKTIME) $(GO) test -v -timeout 0 -p 1 -run '^(TestWorlds|TestCrash)$$' ./engine ./server/store ./server/replica

chaos: ## clusters of real processes under faults, CHAOSTIME=10m
	PEMBA_CHAOS=$(CHAOSTIME) $(GO) test -v -timeout 0 -count=1 -run '^TestLong$$' ./server/chaos

bench: ## benchmarks, BENCH=regexp, SIZES=relationships in the stores
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./schema/... ./engine/...
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 0 ./server/store -sizes $(SIZES)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 9x -timeout 0 ./server ./server/portal
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 0 ./server/chaos

clean: ## remove what make built
	rm -rf bin
