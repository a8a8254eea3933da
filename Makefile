# `make help` lists what there is to make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo deps test-deps build guest guest-kernel images programs test test-engines soak bench install uninstall format lint clean

PREFIX ?= /usr/local
DESTDIR ?=
INSTALL_BIN := $(DESTDIR)$(PREFIX)/bin
INSTALL_LIB := $(DESTDIR)$(PREFIX)/lib/bulkhead
# Where each shell looks for what completes a command line.
INSTALL_SHARE := $(DESTDIR)$(PREFIX)/share
COMPLETION_bash := $(INSTALL_SHARE)/bash-completion/completions/bulkhead
COMPLETION_zsh := $(INSTALL_SHARE)/zsh/site-functions/_bulkhead
COMPLETION_fish := $(INSTALL_SHARE)/fish/vendor_completions.d/bulkhead.fish

PAUSE_FLAGS := -Os -s -Wall -Wextra -Werror -std=c11 -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables \
    -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack

QEMU_LIBRARY_FLAGS := -Os -s -Wall -Wextra -Werror -std=c11 -shared -fPIC -Wl,-z,noexecstack

SWIFT_BUILD := swift build --explicit-target-dependency-import-check error

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: build ## Build everything and run a first container beside the host: two kernels
	@echo
	@echo "the host says:"
	@uname -a
	@echo "a container says:"
	@bin/bulkhead run --rm busybox uname -a

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
	@# The same executable: what it is called decides what it is.
	@ln -sf bulkhead bin/bulkhead-runtime
	@ln -sf bulkhead bin/containerd-shim-bulkhead-v2
	@mkdir -p build/qemu
	@clang $(QEMU_LIBRARY_FLAGS) -o build/qemu/.special-files.so Sources/bulkhead-qemu/special_files.c && \
	    mv build/qemu/.special-files.so build/qemu/special-files.so
	@clang $(PAUSE_FLAGS) -o bin/.bulkhead-pause Sources/bulkhead-pause/pause.c && mv bin/.bulkhead-pause bin/bulkhead-pause

guest: deps programs
	@echo "preparing the guest"
	@scripts/guest/fetch-kernel
	@.build/release/guest-image --kernel-package-root build/kernel/root --agent bin/bulkhead-agent \
	    --pause bin/bulkhead-pause --output build/guest
	@# With the same agent, where there is one.
	@[ ! -d build/linux/root ] || .build/release/guest-image --kernel-package-root build/linux/root \
	    --agent bin/bulkhead-agent --pause bin/bulkhead-pause --output build/guest-kernel

guest-kernel: deps programs ## Build a small kernel from Debian's source (10 minutes): guests start sooner, see guest.kernel
	@scripts/guest/build-kernel
	@.build/release/guest-image --kernel-package-root build/linux/root --agent bin/bulkhead-agent \
	    --pause bin/bulkhead-pause --output build/guest-kernel
	@echo "a configuration selects it: guest.kernel: $(CURDIR)/build/guest-kernel/vmlinux, or where make install copies it"

images: deps
	@scripts/images/build-busybox build/images/busybox

test-deps: deps
	@scripts/install-deps --tests

build/interop/peer: Tests/InteropTests/Peer/main.go | test-deps
	@echo "building the peer of the interoperability tests"
	@mkdir -p $(@D)
	@GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$(CURDIR)/build/interop/cache go build -o $@ $<

build/tests/%: Tests/Programs/%.c
	@mkdir -p $(@D)
	@clang -static -O1 -Wall -Wextra -Werror -o $@ $<

test: build lint test-deps build/interop/peer build/tests/semaphore build/tests/secrets build/tests/engine build/tests/namespace build/tests/notify build/tests/attributes build/tests/inotify ## Unit tests and end-to-end tests
	@echo "building the tests"
	@$(SWIFT_BUILD) --build-tests
	@echo "running the tests"
	@scripts/run-tests

test-engines: build build/tests/engine build/tests/attributes ## Tests with Debian's Docker, Podman, buildah and containerd
	@scripts/install-deps --engines
	@echo "building the tests"
	@$(SWIFT_BUILD) --build-tests
	@scripts/run-tests --engines

soak: build ## Endurance for some hours; SOAK_SCALE=0.01 for minutes. Ends with "N passed, N failed"
	@scripts/soak

bench: build guest-kernel ## Measure starts, streams, memory, commands and builds; bench/all --write keeps the results
	@bench/all

install: ## Copy what was built to PREFIX (/usr/local), below DESTDIR
	@for file in bin/bulkhead build/qemu/special-files.so build/guest/vmlinux build/guest/initrd.cpio build/images/busybox/index.json; do \
	    [ -e $$file ] || { echo "make install: there is no $$file yet: make build first" >&2; exit 1; }; done
	@install -D -m 755 bin/bulkhead $(INSTALL_BIN)/bulkhead
	@ln -sf bulkhead $(INSTALL_BIN)/bulkhead-runtime
	@ln -sf bulkhead $(INSTALL_BIN)/containerd-shim-bulkhead-v2
	@install -D -m 644 -t $(INSTALL_LIB)/guest build/guest/vmlinux build/guest/initrd.cpio
	@install -D -m 644 -t $(INSTALL_LIB)/qemu build/qemu/special-files.so
	@[ ! -e build/guest-kernel/key ] || install -D -m 644 -t $(INSTALL_LIB)/guest-kernel \
	    build/guest-kernel/vmlinux build/guest-kernel/initrd.cpio
	@rm -rf $(INSTALL_LIB)/images/busybox
	@mkdir -p $(INSTALL_LIB)/images
	@cp -r build/images/busybox $(INSTALL_LIB)/images/busybox
	@$(foreach shell,bash zsh fish,mkdir -p $(dir $(COMPLETION_$(shell))); \
	    bin/bulkhead completion $(shell) >$(COMPLETION_$(shell)); chmod 644 $(COMPLETION_$(shell));)
	@echo "bulkhead, bulkhead-runtime and containerd-shim-bulkhead-v2 are in $(INSTALL_BIN), the guest and the image busybox in $(INSTALL_LIB)"

uninstall: ## Remove what install has copied; containers and images stay
	@rm -f $(addprefix $(INSTALL_BIN)/,bulkhead bulkhead-runtime containerd-shim-bulkhead-v2)
	@rm -f $(COMPLETION_bash) $(COMPLETION_zsh) $(COMPLETION_fish)
	@rm -rf $(INSTALL_LIB)
	@echo "removed from $(DESTDIR)$(PREFIX); containers and images are in /var/lib/bulkhead still"

format: ## Format the sources
	@swift format -i --configuration .swift-format -r Sources Tests Package.swift

lint: ## Check the format
	@echo "checking the format"
	@swift format lint --strict --configuration .swift-format -r Sources Tests Package.swift

clean: ## Remove what was built
	rm -rf .build build bin
