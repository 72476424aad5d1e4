# Copyright The Hoist Authors
# SPDX-License-Identifier: Apache-2.0

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

GO      ?= go
BIN     := $(CURDIR)/bin
TOOLS   := $(BIN)/tools
LINT    := $(TOOLS)/golangci-lint
S3      := $(TOOLS)/versitygw
PEERS   := $(BIN)/peers

CONTROLLER_GEN := $(TOOLS)/controller-gen
HELM           := $(TOOLS)/helm
CSI_SANITY     := $(TOOLS)/csi-sanity

# What the JuiceFS library is built without: its process title, which needs cgo, and stores that no source of ours names.
JUICEFS_TAGS := nogspt,nogateway,nowebdav,nohdfs,noibmcos,nobos,noqingstor,nosftp,noswift,noufile,nonfs,nodragonfly,nobadger,nocifs,nostorj,noqiniu,notos,noks3
TAGS         ?= $(JUICEFS_TAGS)
E2E_TAGS     := e2e,$(TAGS)
export GOFLAGS := $(shell $(GO) env GOFLAGS) -tags=$(TAGS)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Modules with code of ours. Those below tools/ only pin the version of a tool.
MODULES      := . $(patsubst %/go.mod,%,$(wildcard bench/*/go.mod test/*/go.mod))
TOOL_MODULES := $(patsubst %/go.mod,%,$(wildcard tools/*/go.mod))
in-each = for module in $(1); do (cd $$module && $(2)); done

##@ Use

.PHONY: help
help: ## Show this page
	@awk -v bold="$$([ -t 1 ] && tput bold 2>/dev/null || true)" \
	     -v color="$$([ -t 1 ] && tput setaf 6 2>/dev/null || true)" \
	     -v reset="$$([ -t 1 ] && tput sgr0 2>/dev/null || true)" '\
	  BEGIN { FS = ":.*## "; printf "\n%sHoist%s takes the cold out of a cold start.\n", bold, reset } \
	  /^##@ / { printf "\n%s%s%s\n", bold, substr($$0, 5), reset } \
	  /^[a-z][a-z0-9-]*:.*## / { printf "  %smake %-15s%s %s\n", color, $$1, reset, $$2 } \
	  END { printf "\n" }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build the binaries into bin/ (TAGS=nojuicefs for small ones)
	CGO_ENABLED=0 $(GO) build -tags=$(TAGS),nosqlite -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN)/ ./cmd/...

.PHONY: demo
demo: build $(S3) ## See the main job done, timed, on this machine (DEMO_FLAGS="--size 8GiB")
	$(BIN)/hoist demo $(DEMO_FLAGS)

.PHONY: clean
clean: ## Remove bin/
	rm -rf $(BIN)

##@ Test

TEST_TIMEOUT ?= 10m
RACE_FLAGS   ?=
FUZZTIME     ?= 50000x
SOAK_CHECKS  ?= 10000

.PHONY: test
test: $(S3) $(CSI_SANITY) $(HELM) ## Run the tests; what needs root is skipped, with the reason
	$(GO) test -shuffle=on -timeout=$(TEST_TIMEOUT) ./...

.PHONY: test-root
test-root: ## Run the tests that need root (power cuts, full disks); none is skipped
	HOIST_REQUIRE_ROOT_TESTS=1 $(GO) test -run Root -count=1 -timeout=$(TEST_TIMEOUT) ./...

.PHONY: race
race: $(S3) $(CSI_SANITY) ## Run the node's tests under the race detector (RACE_FLAGS=-short)
	CGO_ENABLED=1 $(GO) test -race -timeout=$(TEST_TIMEOUT) $(RACE_FLAGS) ./cachenode/...

SUITE       ?= *
E2E_TIMEOUT ?= 20m
E2E_FLAGS   ?=

.PHONY: e2e
e2e: cluster-tools $(HELM) $(CSI_SANITY) ## Run the suites on a real Kubernetes, as root (SUITE=harness, E2E_FLAGS='-run KEDA')
	@for dir in $(wildcard test/e2e/$(SUITE)); do \
	  ls $$dir/*_test.go >/dev/null 2>&1 || continue; \
	  $(GO) test -tags $(E2E_TAGS) -count=1 -timeout=$(E2E_TIMEOUT) $(E2E_FLAGS) ./$$dir; \
	done

# Inputs, for before Go 1.27 a target that runs out of seconds while it works may fail with "context deadline exceeded", having
# found nothing (go.dev/issue/75804).
.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (50000x: inputs, not seconds)
	@targets=$$(grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed 's/:func / /' | sort); \
	[ -n "$$targets" ] || { echo 'fuzz: no targets found' >&2; exit 1; }; \
	while read -r file target; do \
	  echo "$(GO) test -fuzz $$target $${file%/*}"; \
	  $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1000x "$${file%/*}"; \
	done <<< "$$targets"

.PHONY: soak
soak: ## Run the property tests with SOAK_CHECKS (10000) cases each; takes hours
	$(GO) test -count=1 -timeout=0 $$($(GO) list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... \
	  | awk '/pgregory.net\/rapid/ { print $$1 }') -args -rapid.checks=$(SOAK_CHECKS) -rapid.steps=100

##@ A cluster on this machine

CLUSTER_FLAGS ?=

.PHONY: cluster-up
cluster-up: ## Start a Kubernetes with 2 nodes and simulated GPUs, as root (CLUSTER_FLAGS="--keda --prometheus --s3")
	@$(GO) run ./test/cluster up $(CLUSTER_FLAGS)

.PHONY: cluster-down
cluster-down: ## Remove it, and whatever a killed run has left
	@$(GO) run ./test/cluster down

.PHONY: cluster-tools
cluster-tools: ## Build what a cluster runs, once, outside of the checkout: ten minutes on two cores
	@$(GO) run ./test/cluster tools

.PHONY: helm
helm: $(HELM) ## Build helm into bin/tools, where there is none

##@ Measure

BENCH ?= .

.PHONY: bench
bench: build $(S3) ## Measure cold starts on this machine, into report.html (BENCH_FLAGS="--size 8GiB --runs 5")
	$(BIN)/hoist bench local --output report.html $(BENCH_FLAGS)

.PHONY: bench-peers
bench-peers: build $(S3) $(PEERS)/juicefs ## The same beside what one would use instead, into peers.html; mounts need root, fuse3, rclone, s3fs
	$(BIN)/hoist bench local --peers --output peers.html $(BENCH_FLAGS)

.PHONY: bench-go
bench-go: ## Run the Go benchmarks (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: bench-download
bench-download: build $(PEERS)/s5cmd $(PEERS)/tmget ## Race hoist get against other downloaders, into docs/benchmarks.md
	$(GO) run ./bench/download -dir bin -out docs/benchmarks.md $(BENCH_FLAGS)

TRACES ?= ../shared/traces

.PHONY: bench-scale
bench-scale: ## Replay arrivals against autoscaling policies, into docs/scale-replay.md (TRACES=folder of recorded ones)
	$(GO) run ./bench/scale -traces '$(TRACES)' -out docs/scale-replay.md -images docs/images $(BENCH_FLAGS)

##@ Change

.PHONY: generate
generate: $(CONTROLLER_GEN) $(HELM) ## Write the generated files
	$(GO) generate ./...

.PHONY: lint
lint: $(LINT) ## Check style and the direction of imports
	@$(LINT) config verify
	$(call in-each,$(MODULES),$(LINT) run --config $(CURDIR)/.golangci.yml ./...)

.PHONY: verify
verify: verify-generated verify-format verify-modules ## Check everything but the tests; a change must pass it
	$(call in-each,$(MODULES),$(GO) build -o /dev/null ./... && $(GO) vet -tags $(E2E_TAGS) ./...)
	@$(MAKE) lint
	@echo 'verify: all good'

# Uncommitted work is fine: only what generate itself changes counts.
snapshot = git ls-files -z --cached --others --exclude-standard | xargs -0 sha256sum 2>/dev/null || true

.PHONY: verify-generated
verify-generated:
	@mkdir -p $(BIN); { $(snapshot); } > $(BIN)/.snapshot
	@$(MAKE) generate
	@{ $(snapshot); } | diff $(BIN)/.snapshot - \
	  || { echo 'verify: generated files were stale; commit what make generate has written' >&2; exit 1; }

.PHONY: verify-format
verify-format:
	@stale=$$(gofmt -l .); \
	[ -z "$$stale" ] || { echo "verify: run gofmt -w" $$stale >&2; exit 1; }

.PHONY: verify-modules
verify-modules:
	$(call in-each,$(MODULES) $(TOOL_MODULES),$(GO) mod tidy -diff)

# Tools are built from modules of their own (docs/decisions/0001), so their dependencies are never ours.
$(LINT): tools/lint/go.mod tools/lint/go.sum
	$(GO) build -C tools/lint -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(CONTROLLER_GEN): tools/codegen/go.mod tools/codegen/go.sum
	$(GO) build -C tools/codegen -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen
	@touch $@

$(HELM): tools/helm/go.mod tools/helm/go.sum
	$(GO) build -C tools/helm -o $@ helm.sh/helm/v3/cmd/helm
	@touch $@

$(CSI_SANITY): tools/csi-sanity/go.mod tools/csi-sanity/go.sum
	$(GO) build -C tools/csi-sanity -o $@ github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity
	@touch $@

$(S3): tools/s3/go.mod tools/s3/go.sum
	$(GO) build -C tools/s3 -o $@ github.com/versity/versitygw/cmd/versitygw
	@touch $@

$(PEERS)/s5cmd: bench/peers/go.mod bench/peers/go.sum
	CGO_ENABLED=0 $(GO) build -C bench/peers -o $@ github.com/peak/s5cmd/v2
	@touch $@

$(PEERS)/tmget: bench/peers/go.mod bench/peers/go.sum $(wildcard bench/peers/tmget/*.go)
	CGO_ENABLED=0 $(GO) build -C bench/peers -o $@ ./tmget
	@touch $@

$(PEERS)/juicefs: tools/juicefs/go.mod tools/juicefs/go.sum
	CGO_ENABLED=1 $(GO) build -C tools/juicefs -o $@ github.com/juicedata/juicefs
	@touch $@
