# The front door. Every target calls one script; the work and its explanation are in tools/ and tests/.
.DEFAULT_GOAL := build
.PHONY: build run serve test test-clusters check fuzz fuzz-merge bench install fmt clean help

build: ## build florusd, florus and florus-shim into build/ (the default)
	@tools/setup build
	@tools/build build

run: ## start the daemon, submit a real PySpark job over REST, follow it, stop; 0 only on success
	@tools/setup run
	@tools/build build
	@tools/demo

serve: ## stay up on port 8998 (PORT=N for another), with Spark ready for jobs
	@tools/setup run
	@tools/build build
	@tools/demo --serve

test: ## every test, of the plain build; ends with `N passed, N failed`
	@tools/setup test
	@tests/run

test-clusters: ## jobs in real clusters: Spark's own, YARN, Kubernetes
	@tools/setup clusters
	@tests/run clusters

check: ## static checks, lints, and the tests again under sanitizers and valgrind
	@tools/setup check
	@tools/check

fuzz: ## every fuzz target for a minute (FUZZ_SECONDS=N for another time)
	@tools/setup check
	@tests/fuzz/run

fuzz-merge: ## take what `make fuzz` found new into the corpora
	@tests/fuzz/run --merge

bench: ## measure, and write docs/performance.md
	@tools/setup bench
	@tools/build build
	@tests/bench/run

install: ## install below /usr/local (PREFIX=, DESTDIR= as usual)
	@tools/setup build
	@tools/install

fmt: ## format all C sources in place
	@tools/setup check
	@tools/fmt

clean: ## remove what was built; keeps .deps/ (downloads) and .florus/ (state)
	rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\): ## /\1\t/p' Makefile | expand -t 12
