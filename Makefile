# `make help` lists what there is to make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps build test format lint clean

SWIFT_BUILD := swift build --explicit-target-dependency-import-check error

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

deps: ## Install the Debian packages that are needed
	@scripts/install-deps

build: deps ## Build everything
	@echo "building"
	@$(SWIFT_BUILD)

test: deps lint ## Unit tests and end-to-end tests
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
