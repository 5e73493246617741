# What one types here. CMake and its presets do the work; see tests/run_all.sh and tests/lab/run.sh.

# Builds of several checkouts share the compiler cache.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

PRESET ?= dev

.DEFAULT_GOAL := help
.PHONY: help run build test check-format format asan tsan clang fuzz bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: ## boshgate and the demo page in front of the lab, over HTTPS; Ctrl-C ends all of it
	@trap : INT; tests/lab/run.sh || [ $$? = 130 ] # Ctrl-C is no failure

build: ## build one preset (PRESET=dev)
	@tests/setup.sh test
	@tests/build_tree.sh $(PRESET)

test: ## install what is missing, build all, run every test, also under the sanitizers
	@tests/run_all.sh

asan tsan clang: ## build one preset and run its tests
	@tests/run_all.sh $@

fuzz: export FUZZ_SECONDS ?= 60
fuzz: ## fuzz each target for a while (FUZZ_SECONDS=60)
	@tests/run_all.sh fuzz

bench: ## compare throughput, latency and memory with nginx, HAProxy and Apache
	@tests/setup.sh test
	@tests/build_tree.sh release boshgate bench_load bench_node
	@tests/bench/run

check-format: ## is every source file in the project's style?
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror && echo "check-format: all files are in style"

format: ## put every source file into the project's style
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

clean: ## delete all that was built, and end a lab that 'make run' left behind
	@[ ! -f build/lab/settings ] || tests/lab/lab clean build/lab
	@rm -rf build
