# Quorate. "make help" lists the targets.
GO      ?= go
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/quorate/quorate/pkg/version.Version=$(VERSION)

.PHONY: accounts seed-checklist sim-campaign sim-plants help build install demo campaign test test-short check fmt-check vet bench bench-pengine fuzz fuzz-long fuzz-oracle text-oracle clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

build: ## build bin/quorate, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/quorate ./cmd/quorate

BIN ?= bin/quorate
install: build ## install the binary, the links of the commands and agents, the grammars, the unit, the documents and the samples under PREFIX
	install -D -m 0755 $(BIN) $(DESTDIR)$(PREFIX)/bin/quorate
	for c in $$($(BIN) --list); do ln -sf quorate $(DESTDIR)$(PREFIX)/bin/$$c; done
	install -d $(DESTDIR)$(PREFIX)/lib/ocf/resource.d/quorate
	for a in $$($(BIN) --list-agents); do ln -sf ../../../../bin/quorate $(DESTDIR)$(PREFIX)/lib/ocf/resource.d/quorate/$$a; done
	$(BIN) cib schemas $(DESTDIR)$(PREFIX)/share/pacemaker
	install -d $(DESTDIR)$(PREFIX)/share/doc/quorate/examples $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 0644 README.md docs/*.md $(DESTDIR)$(PREFIX)/share/doc/quorate/
	install -m 0644 docs/examples/ha.cf docs/examples/haresources $(DESTDIR)$(PREFIX)/share/doc/quorate/examples/
	install -m 0755 docs/examples/heartbeat.init $(DESTDIR)$(PREFIX)/share/doc/quorate/examples/
	sed 's,/usr/local/,$(PREFIX)/,' docs/examples/quorate.service > $(DESTDIR)$(PREFIX)/share/doc/quorate/examples/quorate.service
	install -m 0644 $(DESTDIR)$(PREFIX)/share/doc/quorate/examples/quorate.service $(DESTDIR)$(PREFIX)/lib/systemd/system/
	install -m 0600 docs/examples/authkeys $(DESTDIR)$(PREFIX)/share/doc/quorate/examples/

HAGID ?=
HAUID ?=
accounts: ## make the group haclient and the account hacluster (HAGID=, HAUID= give them the numbers they have on the other nodes)
	getent group haclient >/dev/null || groupadd -r $(if $(HAGID),-g $(HAGID)) haclient
	getent passwd hacluster >/dev/null || useradd -r -M -g haclient $(if $(HAUID),-u $(HAUID)) -d /var/lib/heartbeat -s /usr/sbin/nologin hacluster

demo: build ## watch a floating address survive the death of its node
	bin/quorate demo $(DEMO)

campaign: build ## measure fail-over, false alarms and costs of a real cluster for over an hour (CAMPAIGN="-short" for minutes)
	$(GO) run ./pkg/campaign/main $(CAMPAIGN)

test: ## run all tests (real network namespaces where the kernel allows); the one that measures runs alone
	$(GO) test $$($(GO) list ./... | grep -v /pkg/campaign)
	$(GO) test ./pkg/campaign/...

check: fmt-check vet test ## what CI runs

SEED_LIST ?= ../shared/reference/seed-checklist.md
seed-checklist: ## run all tests and make docs/seed-checklist.md of what they show
	rm -f bin/seed-rows && mkdir -p bin
	QUORATE_SEED_ROWS=$(CURDIR)/bin/seed-rows $(GO) test -count=1 $$($(GO) list ./... | grep -v -e /pkg/campaign -e /pkg/seedrow)
	$(GO) run ./pkg/seedrow/main $(SEED_LIST) bin/seed-rows docs/seed-checklist.md

fmt-check:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not gofmt-ed: $$out"; exit 1; }

vet:
	$(GO) vet ./...

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-pengine: ## time the policy engine and its growth with nodes and resources
	$(GO) test ./pengine -run '^$$' -bench '^Benchmark(Schedule|ScheduleHuge|ScheduleRemote|Growth)' -benchtime 3x -benchmem

SIM_CPU ?= 10m
SIM_STATE ?= sim-campaign.json
sim-campaign: build ## continue the campaign of random faults for SIM_CPU of processor time; totals in SIM_STATE
	bin/quorate sim --campaign $(SIM_STATE) --cpu $(SIM_CPU)

PLANT_CPU ?= 20m
PLANTS ?= all
sim-plants: build ## hunt for every planted mistake, each for PLANT_CPU of processor time at most, and print a table
	bin/quorate sim --hunt $(PLANTS) --cpu $(PLANT_CPU)

FUZZTIME ?= 10s
fuzz: ## run every fuzz target for FUZZTIME each
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	  echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

# What reads untrusted or foreign bytes: documents, patches, schema checks, and the frames and requests of the wire.
FUZZ_LONG = ./cib:FuzzParse ./cib:FuzzParseLike ./cib:FuzzApplyPatch ./cib:FuzzApplyOp ./cib:FuzzFind ./cib:FuzzUpgrade ./cib/grammar:FuzzCheck \
  ./ccm/link:FuzzFrame ./ccm/link:FuzzEnvelope ./ccm/link:FuzzStreamPayload ./ccm/agree:FuzzDecode ./ccm/agree:FuzzStored ./pkg/daemon:FuzzRequest
FUZZ_LONG_TIME ?= 10m
FUZZ_PARALLEL ?= $(shell nproc)
fuzz-long: ## run the fuzz targets of parser, patch, schema and wire for FUZZ_LONG_TIME (10m) each
	@for t in $(FUZZ_LONG); do echo "== $$t"; \
	  $(GO) test -run '^$$' -fuzz "^$${t#*:}$$" -fuzztime $(FUZZ_LONG_TIME) -parallel $(FUZZ_PARALLEL) $${t%:*} || exit 1; done

fuzz-oracle: ## compare the policy engine with Debian's crm_simulate on 2,000 random CIBs (needs pacemaker-cli-utils)
	$(GO) run ./pengine/oraclefuzz/main -n 2000 -seed 1 -jobs 1

text-oracle: ## compare the text of all commands on all conformance cases with Debian's commands (needs pacemaker-cli-utils; half an hour)
	QUORATE_LONG=1 $(GO) test ./pkg/cli/oracle -run TestTextEqualsDebian -v -timeout 3h

clean: ## remove what was built
	rm -rf bin
