# Needs Go, make and git; everything else is fetched by Go. `make help` lists the targets.

GO       ?= go
FUZZTIME ?= 5s
SOAKTIME ?= 10m
BENCH    ?= .
DEMO     := .demo

.DEFAULT_GOAL := help
.PHONY: help build demo test lint fmt fuzz soak bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/pemba
	$(GO) build -o bin/pemba ./cmd/pemba

test: lint build fuzz ## everything that has to pass before a change lands
	$(GO) test -race -timeout 20m ./...

lint: ## gofmt, go vet, staticcheck, errcheck, ineffassign
	@bad=$$(gofmt -l cmd engine schema server); test -z "$$bad" || { echo "not gofmt-ed: $$bad (make fmt)"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) tool errcheck ./...
	$(GO) tool ineffassign ./...

fmt: ## format all Go files
	gofmt -w cmd engine schema server

fuzz: ## every fuzz target, FUZZTIME=5s each
	@$(GO) test -list '^Fuzz' ./... >.fuzz.out || { cat .fuzz.out; rm -f .fuzz.out; exit 1; }
	@awk '/^Fuzz/ { f[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, f[i]; n = 0 }' .fuzz.out | \
	while read -r package target; do \
		echo "$(GO) test -run '^$$' -fuzz '^$$target\$$' -fuzztime $(FUZZTIME) $$package"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
	done; status=$$?; rm -f .fuzz.out; exit $$status

clean: ## remove what make built
	rm -rf bin $(DEMO)
