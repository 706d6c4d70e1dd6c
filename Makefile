# CI runs these targets and nothing else; a laptop can run them all.
# The first build of everything takes about nine minutes on two cores, nearly
# all of it Temporal's server; it is kept in bin/ and in Go's cache.
.DEFAULT_GOAL := help
.PHONY: help build agent tools deps test-deps rack-deps demo rack test lint histories upgrade chaos soak simulate generate clean

GO       ?= go
ARCH     ?= amd64
PROGRAMS  = $(patsubst %/main.go,./%,$(wildcard */main.go))
SERVER    = bin/temporal-server bin/temporal-sql-tool bin/temporal-ui
# Customers' tools that the tests run; OpenTofu where there is no Terraform.
CLIENTS   = bin/terraform-provider-equinix $(if $(shell command -v terraform || command -v tofu),,bin/tofu)
# Programs that we build but do not import have module files of their own:
# they pin hundreds of modules that must not decide the versions of ours.
install   = @echo 'building $@: minutes, and only the first time' && cd tools/$(1) && CGO_ENABLED=0 $(GO) build -ldflags='-s -w' -o ../../$@ $(2)

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z\/%]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build our programs into bin/: worker, starter, boot, agent, lab
	CGO_ENABLED=0 $(GO) build -o bin/ $(PROGRAMS)

agent: ## Build what machines boot into bin/agent-files: a kernel, and the agent with its modules; ARCH=arm64 for the other kind
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) $(GO) build -trimpath -buildvcs=false -ldflags='-s -w' -o bin/cache/agent-$(ARCH) ./agent
	$(GO) run ./internal/ramdisk/build --arch $(ARCH) --init bin/cache/agent-$(ARCH) --cache bin/cache/debian --into bin/agent-files/$(ARCH)

tools: $(SERVER) bin/tctl bin/temporal $(CLIENTS) ## Build Temporal's server, web UI and clients into bin/, and customers' tools

bin/temporal-server: tools/temporal/go.mod
	$(call install,temporal,go.temporal.io/server/cmd/server)
bin/temporal-sql-tool: tools/temporal/go.mod
	$(call install,temporal,go.temporal.io/server/cmd/tools/sql)
bin/temporal-ui: tools/temporal/go.mod
	$(call install,temporal,github.com/temporalio/ui-server/v2/cmd/server)
bin/tctl: tools/tctl/go.mod
	$(call install,tctl,github.com/temporalio/tctl/cmd/tctl)
bin/temporal: tools/cli/go.mod
	$(call install,cli,github.com/temporalio/cli/cmd/temporal)
bin/terraform-provider-equinix: tools/terraform/go.mod
	$(call install,terraform,github.com/equinix/terraform-provider-equinix)
bin/tofu: tools/tofu/go.mod
	$(call install,tofu,github.com/opentofu/opentofu/cmd/tofu)
# With cgo: one of the stores that it comes with is SQLite.
bin/dex: tools/dex/go.mod
	@echo 'building $@: minutes, and only the first time' && cd tools/dex && $(GO) build -ldflags='-s -w' -o ../../$@ github.com/dexidp/dex/cmd/dex
bin/staticcheck: tools/lint/go.mod
	$(call install,lint,honnef.co/go/tools/cmd/staticcheck)
bin/workflowcheck: tools/workflowcheck/go.mod
	$(call install,workflowcheck,go.temporal.io/sdk/contrib/tools/workflowcheck)
bin/sqlc: tools/sqlc/go.mod
	$(call install,sqlc,github.com/sqlc-dev/sqlc/cmd/sqlc)

test-deps: ## Install what tests and benchmarks run, too (Debian, as root)
	@tools/deps tests

deps: ## Install PostgreSQL and IPMI programs where they are missing (Debian, as root)
	@tools/deps

rack-deps: ## Install what a rack of real parts is made of, too (Debian, as root)
	@tools/deps rack

demo: deps $(SERVER) build ## A data centre on this machine, with everything running
	bin/lab demo

rack: rack-deps $(SERVER) build agent ## Two QEMU machines, a BIOS and a UEFI one, installed for real (as root)
	bin/lab rack

# Whole systems come last, and have the cores for themselves: machines that boot
# for real are timed by nobody, but waited for. The simulated data centre of the
# others is not slowed down by the race detector; its own tests have it. Nor are
# the stories of simulated runs, which it would misunderstand.
test: test-deps tools build agent bin/dex ## Run all tests, on one Postgres and one Temporal for all packages
	$(GO) build -o bin/ ./internal/stack/withstack
	bin/withstack -no-fsync -- $(GO) test -race -timeout 45m $$($(GO) list ./... | grep -vE '/internal/(rig|chaos|soak|rack)$$')
	$(GO) test -p 1 -timeout 45m ./workflows ./internal/rig ./internal/chaos ./internal/soak
	$(GO) test -timeout 30m ./internal/rack

lint: bin/staticcheck bin/workflowcheck ## Check format, suspicious code, and that workflows are deterministic
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	bin/staticcheck ./...
	bin/workflowcheck -test=false ./workflows/... # a test is no workflow: it may look at the clock

bench/%: test-deps $(SERVER) build ## Measure: bench/run is what one provision costs; the last line is JSON
	@$(GO) run ./internal/bench/$*

soak: test-deps $(SERVER) build ## Press a month into MINUTES=30 at a site of MACHINES=12, and tell what grows; the last line is JSON
	@$(GO) run ./internal/soak --minutes $(or $(MINUTES),30) --machines $(or $(MACHINES),12)

histories: test-deps $(SERVER) build ## Record a history of each kind of run, for the replay test; name the RELEASE
	MILLWRIGHT_RECORD=$(CURDIR)/workflows/testdata/histories/$(or $(RELEASE),next) $(GO) test ./internal/rig -count=1 -run TestRecordHistories -v
	@test -z "$(RELEASE)" || touch workflows/testdata/histories/$(RELEASE)/changed # what of it this code does otherwise: nothing yet

upgrade: test-deps $(SERVER) build ## Go from the release before to this one and back, with runs open; tests of that release on this schema
	$(GO) test -timeout 45m -count=1 -v ./internal/release
	$(GO) test -timeout 45m -count=1 -v ./internal/rig -run 'TestAnUpgrade|TestRunsWhoseWorkers'

chaos: test-deps $(SERVER) build ## Break everything under load, and count what is lost: SEEDS=10 FROM=1 MACHINES=200 MINUTES=1.5; the last line is JSON
	@$(GO) run ./internal/chaos -seeds $(or $(SEEDS),10) -from $(or $(FROM),1) -machines $(or $(MACHINES),200) -minutes $(or $(MINUTES),1.5)

simulate: test-deps ## Tell stories of runs in virtual time, each step harmed: SEEDS=1000 FROM=1; the last line is JSON
	@$(GO) test -c -o bin/simulate.test ./workflows && rm -f bin/simulate.json
	@cd workflows && MILLWRIGHT_SIMULATE_SEEDS=$(or $(SEEDS),1000) MILLWRIGHT_SIMULATE_FROM=$(or $(FROM),1) \
		MILLWRIGHT_SIMULATE_SUMMARY=$(CURDIR)/bin/simulate.json ../bin/simulate.test -test.run '^TestSimulation$$' -test.timeout 0; \
		told=$$?; cat ../bin/simulate.json; exit $$told

generate: bin/sqlc ## Turn the SQL in schema/ into Go
	bin/sqlc generate

clean: ## Remove what was built
	rm -rf bin
