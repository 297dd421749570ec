# The only door. Every target does its own set-up: virtual environment, pinned dependencies, native build.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
RUST := $(shell find rust -name '*.rs' -o -name '*.toml') Cargo.toml Cargo.lock
PROTO := $(wildcard proto/cordboard/v1/*.proto)

DEMO_SECONDS ?= 30
DEMO_JSON ?=
DEMO_FLAGS ?=
DAY_SEED ?= 1
DAY_CONTACTS ?= 67000
DAY_DIR ?= day

FUZZ_SECONDS ?= 150
FUZZ_SEED ?= 1
FUZZ_TARGETS ?= frames commits snapshots histories

.PHONY: help demo test check check-rust rust-built rust-tested check-python python-tested unit coverage fuzz chaos sim overload bench-pipeline bench-core day fairness sim-week fmt bless proto lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  \033[36mmake %-10s\033[0m %s\n", $$1, $$2}'

.venv/.installed: constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3"; exit 1; }
	@echo "preparing .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	@touch $@

.venv/.built: .venv/.installed pyproject.toml $(RUST)
	@command -v cargo >/dev/null || { echo "a Rust toolchain (cargo) is needed, 1.88 or newer"; exit 1; }
	@echo "building the native core (a minute or two the first time; log: .venv/build.log)"
	@VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/maturin develop --release --locked > .venv/build.log 2>&1 || { cat .venv/build.log; exit 1; }
	@touch $@

demo: .venv/.built ## run the whole engine with a crowd for DEMO_SECONDS (30), then verify; DEMO_JSON=path writes the report
	@$(BIN)/cordboard demo --seconds $(DEMO_SECONDS) $(if $(DEMO_JSON),--json-file $(DEMO_JSON)) $(DEMO_FLAGS)

# What is installed, compiled in two profiles and checked keeps one core busy most of the time: two at once.
TOGETHER := --no-print-directory --jobs=2 --output-sync=target

test: ## everything that must hold: checks, Rust and Python tests on a real NATS server and PostgreSQL
	@$(MAKE) $(TOGETHER) .venv/.built rust-built
	@$(MAKE) $(TOGETHER) rust-tested check-python
	@$(MAKE) --no-print-directory python-tested

unit: ## the tests alone
	@$(MAKE) --no-print-directory rust-tested python-tested

check: .venv/.built ## formatting, lints, types, layers, stubs, protocol, licences
	@$(MAKE) $(TOGETHER) check-rust check-python

check-rust:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked --quiet -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check bans licenses sources; else echo "cargo-deny is not installed: licences unchecked"; fi

rust-built: check-rust
	cargo test --workspace --all-features --locked --quiet --no-run

rust-tested:
	cargo test --workspace --all-features --locked --quiet

python-tested: .venv/.built
	$(BIN)/python -m pytest tests --ignore=tests/benchmarks -n 4 --dist loadfile

check-python:
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m mypy.stubtest cordboard._core --concise
	$(BIN)/buf lint
	$(BIN)/python -m tests.generated

coverage: .venv/.installed ## what the tests of the core reach, by file; target/coverage/core.json; needs rustup component add llvm-tools
	$(BIN)/python -m tests.coverage

# What is found goes to target/fuzz; the corpora that are kept, and replayed by `make test`, only change by hand.
fuzz: ## the core on hostile bytes, each target for FUZZ_SECONDS (150); needs nightly Rust and cargo install cargo-fuzz
	@for target in $(FUZZ_TARGETS); do \
		mkdir -p target/fuzz/corpus/$$target; \
		cargo +nightly fuzz run -O -a -s none --fuzz-dir rust/fuzz --target-dir target/fuzz $$target target/fuzz/corpus/$$target rust/fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -seed=$(FUZZ_SEED) -max_len=2000 -timeout=20 -print_final_stats=1; \
	done

SECONDS ?= 300
sim: .venv/.built ## the whole site simulated from SEED (1), SEEDS of them (1), in virtual time; exit 1 on a finding; SIM_FLAGS=--json
	@$(BIN)/python -m tests.sim --seed $(or $(SEED),1) --seeds $(or $(SEEDS),1) $(SIM_FLAGS)

chaos: .venv/.built ## three NATS servers and every role, faults for SECONDS (300) from SEED; exit 1 if anything was lost or doubled; JSON=path
	@$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json $(JSON)) $(CHAOS_FLAGS)

overload: .venv/.built ## half to three times the load that the real engine takes, SECONDS (8) a phase; exit 1 if anything is not as docs/overload.md says; JSON=path
	@$(BIN)/python -m tests.overload --seconds $(if $(filter-out undefined default file,$(origin SECONDS)),$(SECONDS),8) $(if $(JSON),--json $(JSON))

bench-pipeline: .venv/.built ## the durable pipeline, latency and replay beside their peers: tables, plot, benchmarks/pipeline.json; BENCH_QUICK=1 for a look
	$(BIN)/python -m tests.benchmarks.pipeline

# Without its dependencies: it wants an older protobuf than gRPC does, for parts that no benchmark uses.
.venv/.oracle: .venv/.installed tests/benchmarks/oracle.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r tests/benchmarks/oracle.txt
	@touch $@

bench-core: .venv/.built .venv/.oracle ## the core beside its peers: tables, plots, benchmarks/core.json; BENCH_QUICK=1 for a look
	@echo "building the contenders in Rust"
	@cargo bench --locked --quiet --no-run --package cordboard-core --features bench 2> .venv/bench.log || { cat .venv/bench.log; exit 1; }
	$(BIN)/python -m tests.benchmarks.core
	$(if $(BENCH_QUICK),,$(BIN)/python -m pytest tests/benchmarks/test_core.py --benchmark-disable-gc --benchmark-columns=min,median,max,ops,rounds)
	$(if $(BENCH_QUICK),,cargo bench --locked --quiet --package cordboard-core --features bench --bench core)

day: .venv/.built ## a simulated day of a million events as a journal in DAY_DIR (day), then verified; DAY_SEED, DAY_CONTACTS
	$(BIN)/python -m tests.day --seed $(DAY_SEED) --contacts $(DAY_CONTACTS) journal $(DAY_DIR)
	$(BIN)/cordboard verify --data-dir $(DAY_DIR)

fairness: .venv/.built ## the same day in our order, by strict priority and by age: waits by channel and hour (docs/fairness.md)
	$(BIN)/python -m tests.day --seed $(DAY_SEED) --contacts $(DAY_CONTACTS) fairness

sim-week: .venv/.built ## a working week with promised callbacks, without any, and with naive ones, side by side; exit 1 if a mark is missed; SEED, WEEK_FLAGS=--json
	@$(BIN)/python -m tests.week --seed $(or $(SEED),1) $(WEEK_FLAGS)

fmt: .venv/.built ## format everything
	cargo fmt --all
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

bless: .venv/.built ## rewrite golden words and scenario transcripts (read the diff before you commit it)
	CORDBOARD_BLESS=1 $(BIN)/python -m pytest tests/golden tests/unit/test_scenarios.py

proto: .venv/.installed ## regenerate python/cordboard/v1 from proto/
	$(BIN)/python -m tests.generated --write

LOCK := --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet
lock: .venv/.installed ## pin every Python dependency with its hashes; and those of the image
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra bench $(LOCK) --universal -o constraints.txt
	$(BIN)/uv pip compile pyproject.toml --extra imap -c constraints.txt $(LOCK) --python-platform linux -o deploy/docker/runtime.txt
	printf 'ortools\nnumpy\nvalkeylite\n' | $(BIN)/uv pip compile - --no-deps $(LOCK) --python-platform linux -o tests/benchmarks/oracle.txt
	echo maturin | $(BIN)/uv pip compile - -c constraints.txt $(LOCK) --python-platform linux -o deploy/docker/build.txt

clean: ## remove what was built
	rm -rf .venv target python/cordboard/_core*.so .mypy_cache .ruff_cache .hypothesis .import_linter_cache
