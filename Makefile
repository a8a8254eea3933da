# `make help` lists what there is to make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps build guest images programs test format lint clean

SWIFT_BUILD := swift build --explicit-target-dependency-import-check error

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

deps: ## Install the Debian packages that are needed
	@scripts/install-deps

build: deps guest images ## Build the programs (bin/), the guest (build/guest/) and the image busybox (build/images/)

programs:
	@echo "building the programs"
	@for program in bulkhead bulkhead-agent guest-image; do \
	    $(SWIFT_BUILD) -c release --product $$program; done 2>&1 | grep -v 'dlopen'
	@mkdir -p bin
	@for program in bulkhead bulkhead-agent; do \
	    cmp -s .build/release/$$program bin/.$$program.built || { \
	        cp .build/release/$$program bin/.$$program.built; \
	        strip -o bin/$$program .build/release/$$program; }; done

guest: deps programs
	@echo "preparing the guest"
	@scripts/guest/fetch-kernel
	@.build/release/guest-image --kernel-package-root build/kernel/root --agent bin/bulkhead-agent --output build/guest

images: deps
	@scripts/images/build-busybox build/images/busybox

test: build lint ## Unit tests and end-to-end tests
	@echo "building the tests"
	@$(SWIFT_BUILD) --build-tests
	@echo "running the tests"
	@scripts/run-tests

format: ## Format the sources
	@swift format -i --configuration .swift-format -r Sources Tests Package.swift

lint: ## Check the format
	@echo "checking the format"
	@swift format lint --strict --configuration .swift-format -r Sources Tests Package.swift

clean: ## Remove what was built
	rm -rf .build build bin
