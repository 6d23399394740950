# Two commands on a fresh machine, `make demo` and `make test`; the third, `make lab`, is for the real parts.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11
BIN := .venv/bin
LAB := $(BIN)/python -m e2e.lab
KUBE_LAB := .lab/kube
PARTS_LAB := .lab/parts
RESULTS := .out/tests
# What is handed to the two runs of first light: the short one of `make test`, and the whole story of `make lab`.
FIRST_LIGHT_ARGS ?= --quick --installed --junitxml $(RESULTS)/first-light.xml
LAB_ARGS ?=
DEMO_ARGS ?=
ANALYSIS_ARGS ?=
BENCH_QUICK_ARGS ?=
BENCH_SELF_ARGS ?=
STRATEGIES_ARGS ?= --junitxml $(RESULTS)/strategies.xml
SCENARIOS_ARGS ?= --installed --junitxml $(RESULTS)/scenarios.xml
SCALING_ARGS ?= --junitxml $(RESULTS)/scaling.xml
CONFIG_ARGS ?= --junitxml $(RESULTS)/configuration.xml
ENDURANCE_ARGS ?= --junitxml $(RESULTS)/endurance.xml
MISHAPS_ARGS ?= --junitxml $(RESULTS)/mishaps.xml
GITOPS_ARGS ?= --junitxml $(RESULTS)/gitops.xml
DASHBOARD_ARGS ?= --junitxml $(RESULTS)/dashboard.xml
HANDOVER_ARGS ?= --junitxml $(RESULTS)/handover.xml
FOOTPRINT_ARGS ?= --junitxml $(RESULTS)/footprint.xml
LEAVING_ARGS ?= --junitxml $(RESULTS)/leaving.xml
CHAOS_ARGS ?= --resume --junitxml $(RESULTS)/chaos.xml
PROTOCOLS_ARGS ?= --junitxml $(RESULTS)/protocols.xml
ANALYSIS_LAB_ARGS ?= --junitxml $(RESULTS)/analysis.xml
PEOPLE_ARGS ?= --junitxml $(RESULTS)/people.xml
SEEDS ?= 1000
# On all processors.
SIDE_BY_SIDE := --numprocesses=auto --dist=worksteal
FUZZ_EXAMPLES ?= 2000
FUZZ_SEED ?= 0
# Packages that the locked files are made for.
LOCK := $(BIN)/uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --universal --python-version 3.11 --quiet

.PHONY: help
help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

define CHECK_PYTHON
command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is not on PATH; name another with PYTHON=..." >&2; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit("%d.%d is too old: name 3.11 or newer with PYTHON=..." % sys.version_info[:2] \
  if sys.version_info < (3, 11) else 0)'
endef

# On a machine with nothing but Python: only what the controller itself needs, in an environment of its own.
DEMO_BIN := .venv-demo/bin
.venv-demo/.installed: requirements/runtime.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv .venv-demo
	$(DEMO_BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@touch $@

.PHONY: demo
demo: .venv-demo/.installed ## Watch three releases in a minute: the real controller, on a simulated cluster
	@$(DEMO_BIN)/python -m rollouts demo $(DEMO_ARGS)

.PHONY: venv
venv: .venv/.installed ## Make .venv from the locked requirements

.venv/.locked: requirements/dev.txt
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.venv/.installed: .venv/.locked pyproject.toml README.md LICENSE
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: lock
lock: venv ## Lock the requirements anew, with hashes
	$(LOCK) -o requirements/runtime.txt
	$(LOCK) --group unit -o requirements/unit.txt
	$(LOCK) --group dev -o requirements/dev.txt

.PHONY: format
format: venv ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

.PHONY: lint
lint: venv ## Check style and the layers' contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

.PHONY: types
types: venv ## Check the types
	$(BIN)/mypy

.PHONY: test
test: test-unit test-sim bench-quick test-kube test-lab first-light ## Run all tests, the lab's included

# Each part leaves a mark for the commit that it passed on, so that a run that was broken off goes on where it was.
FULL_PARTS := bench bench-analysis bench-queries bench-cli bench-self coverage test-unit-full test-sim-full \
  lab lab-strategies lab-scenarios lab-scaling lab-config lab-endurance lab-mishaps lab-gitops lab-protocols lab-analysis \
  lab-people lab-handover lab-leaving lab-footprint lab-dashboard chaos lab-rights
.PHONY: test-full
test-full: venv ## Run all that `make test` leaves out, in parts that can be resumed
	@at=$$(git describe --always --dirty --abbrev=40); mkdir -p .out/full; \
	for part in $(FULL_PARTS); do \
	  mark=.out/full/$$at-$$part; \
	  if [ -e $$mark ]; then echo "$$part: passed before at this commit"; continue; fi; \
	  $(MAKE) $$part; \
	  case $$at in *-dirty) ;; *) touch $$mark ;; esac; \
	done

.PHONY: test-unit
test-unit: venv ## Run what needs no lab, on the oldest and the newest Python from 3.11 to 3.13 that are found
	$(BIN)/python -m tests.interpreters --ends

.PHONY: test-unit-full
test-unit-full: venv ## Run what needs no lab, on each Python from 3.11 to 3.13 that is found
	$(BIN)/python -m tests.interpreters

.PHONY: test-sim
test-sim: venv ## Run 200 worlds in virtual time, a fault at every await, each rule broken, and each way to be deleted
	SIM_SEEDS=200 $(BIN)/pytest -m "sim and not full" $(SIDE_BY_SIDE) tests/sim tests/deletion --junitxml=$(RESULTS)/sim.xml

.PHONY: test-sim-full
test-sim-full: venv ## Run 1000 worlds, a fault at every await of every strategy, and every death in a deletion
	SIM_SEEDS=1000 SIM_EVERY=1 $(BIN)/pytest -m sim $(SIDE_BY_SIDE) tests/sim tests/deletion --junitxml=$(RESULTS)/sim-full.xml

.PHONY: sim
sim: venv ## Run SEEDS worlds in virtual time, 1000 if not said
	$(BIN)/python -m tests.sim --seeds $(SEEDS)

.PHONY: fuzz
fuzz: venv ## Feed every parser FUZZ_EXAMPLES odd inputs for each test, 2000 if not said, by FUZZ_SEED
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest tests/fuzz --timeout=3600 --hypothesis-seed=$(FUZZ_SEED)

.PHONY: coverage
coverage: venv ## Every branch of core/ is run by its own tests
	$(BIN)/python -m coverage run --branch --source=rollouts/core -m pytest -q tests/core tests/docs
	$(BIN)/python -m coverage report --skip-covered --fail-under=100

.PHONY: bench
bench: venv ## What a call of step costs, against its limit
	$(BIN)/python -m tests.bench

.PHONY: bench-analysis
bench-analysis: venv ## What the sequential judgement finds, misses and costs, in simulated rollouts, against its requirements
	$(BIN)/python -m tests.bench.analysis $(ANALYSIS_ARGS)

.PHONY: bench-queries
bench-queries: venv ## Count the queries that 100 and 1,000 Canaries cost, and hold their answers against single ones
	$(BIN)/python -m tests.bench.queries
	$(BIN)/python -m tests.bench.counting

.PHONY: bench-quick
bench-quick: venv ## Count what 50 Canaries cost the API server and the metric source, against the budgets in the repository
	$(BIN)/python -m tests.bench.scale.quick $(BENCH_QUICK_ARGS)

.PHONY: bench-self
bench-self: venv ## Measure the controller with 100 Canaries in real time, against the figures that it has to keep
	$(BIN)/python -m tests.bench.scale.itself $(BENCH_SELF_ARGS)

.PHONY: bench-cli
bench-cli: venv ## How long commands take to start, and to do their own work, against their limits
	$(BIN)/python -m tests.bench.cli

.PHONY: test-kube
test-kube: venv ## Run what needs a real API server, against the lab's
	@trap '$(LAB) down --dir $(KUBE_LAB)' EXIT; trap 'exit 130' INT TERM; \
	$(LAB) up --profile core --dir $(KUBE_LAB); \
	$(LAB) exec --dir $(KUBE_LAB) -- $(BIN)/pytest -m kube --junitxml=$(RESULTS)/kube.xml

.PHONY: test-lab
test-lab: venv ## Run what needs more of the lab: its own life, and the queries on a real Prometheus
	@trap '$(LAB) down --dir $(PARTS_LAB)' EXIT; trap 'exit 130' INT TERM; \
	$(LAB) up --profile istio --dir $(PARTS_LAB); \
	$(LAB) exec --dir $(PARTS_LAB) -- $(BIN)/pytest -m lab --junitxml=$(RESULTS)/lab.xml

.PHONY: first-light
first-light: venv ## Release a good and a bad version through the real parts, briefly
	$(BIN)/python -m e2e.first_light $(FIRST_LIGHT_ARGS)

.PHONY: lab
lab: venv ## Build the real parts and show the whole story in them
	$(LAB) build
	$(BIN)/python -m e2e.first_light $(LAB_ARGS)

.PHONY: lab-strategies
lab-strategies: venv ## Show each strategy in the real parts: A/B, blue-green, copies, gates, cookies; and ten kills
	$(LAB) build
	$(BIN)/python -m e2e.strategies $(STRATEGIES_ARGS)

.PHONY: lab-scenarios
lab-scenarios: venv ## Show in the real parts what users do by hand: two Deployments of their own, there and back
	$(LAB) build
	$(BIN)/python -m e2e.scenarios $(SCENARIOS_ARGS)

.PHONY: lab-scaling
lab-scaling: venv ## Show in the real parts that an autoscaler takes no pods from a primary that may need them back
	$(LAB) build
	$(BIN)/python -m e2e.scaling $(SCALING_ARGS)

.PHONY: lab-config
lab-config: venv ## Show in the real parts that configuration alone is released: ConfigMaps, Secrets, shared ones
	$(LAB) build
	$(BIN)/python -m e2e.configuration $(CONFIG_ARGS)

.PHONY: lab-endurance
lab-endurance: venv ## Show ten releases in the real parts under 1,000 requests a second, and not one that fails
	$(LAB) build
	$(BIN)/python -m e2e.endurance $(ENDURANCE_ARGS)

.PHONY: lab-mishaps
lab-mishaps: venv ## Show in the real parts what becomes of a release when routes are spoilt or istiod is away
	$(LAB) build
	$(BIN)/python -m e2e.mishaps $(MISHAPS_ARGS)

.PHONY: lab-gitops
lab-gitops: venv ## Show in the real parts that weights stand through the syncs of a GitOps tool, or are back at once
	$(LAB) build
	$(BIN)/python -m e2e.gitops $(GITOPS_ARGS)

.PHONY: lab-handover
lab-handover: venv ## Show on a real API server that one of two replicas takes over: 20 kills, stops and cuts
	$(LAB) build
	$(BIN)/python -m e2e.handover $(HANDOVER_ARGS)

.PHONY: lab-leaving
lab-leaving: venv ## Show in the real parts that the program leaves a cluster as it found it: uninstalled, deleted at once, killed
	$(LAB) build
	$(BIN)/python -m e2e.leaving $(LEAVING_ARGS)

.PHONY: lab-footprint
lab-footprint: venv ## Measure in the real parts what the process takes with 100 Canaries, against what deploy/ asks for
	$(LAB) build
	$(BIN)/python -m e2e.footprint $(FOOTPRINT_ARGS)

.PHONY: lab-dashboard
lab-dashboard: venv ## Show on a real Prometheus that every panel of the dashboard and every alert has something to go by
	$(LAB) build
	$(BIN)/python -m e2e.dashboard $(DASHBOARD_ARGS)

.PHONY: chaos
chaos: venv ## Show in the real parts what faults of the control plane do to clients and releases; parts can be resumed
	$(LAB) build
	$(BIN)/python -m e2e.chaos $(CHAOS_ARGS)

.PHONY: lab-protocols
lab-protocols: venv ## Show in the real parts releases over TCP, over TLS that the gateway can't read, and behind a delegate
	$(LAB) build
	$(BIN)/python -m e2e.protocols $(PROTOCOLS_ARGS)

.PHONY: lab-analysis
lab-analysis: venv ## Show in the real parts that counts are exact, and what becomes of a release without metrics, or by lies
	$(LAB) build
	$(BIN)/python -m e2e.analysis $(ANALYSIS_LAB_ARGS)

.PHONY: lab-people
lab-people: venv ## Show in the real parts a release that people are told of, approve by name, and gate a pipeline by
	$(LAB) build
	$(BIN)/python -m e2e.people $(PEOPLE_ARGS)

.PHONY: lab-rights
lab-rights: venv ## Judge the shipped role by what the plays before needed: nothing refused, nothing unused
	$(BIN)/python -m e2e.rights

.PHONY: crds
crds: venv ## Write crds/ from the models
	for kind in canary analysistemplate alertprovider; do \
	  $(BIN)/rollouts crds --only $$kind > crds/$$kind.yaml.new && mv crds/$$kind.yaml.new crds/$$kind.yaml; \
	done

.PHONY: manifests
manifests: venv ## Render deploy/ into deploy/install.yaml
	$(BIN)/python -m e2e.manifests

.PHONY: docs
docs: venv ## Write the generated pages of docs/
	$(BIN)/python -c 'from rollouts.core.diagram import page; print(page(), end="")' > docs/state-machine.md
	$(BIN)/python -c 'from rollouts.telemetry.page import page; print(page(), end="")' > docs/metrics.md

.PHONY: clean
clean: ## Remove environments and results; built parts stay in the user's cache
	if [ -x $(BIN)/python ]; then for lab in .lab/*/; do $(LAB) down --dir $$lab; done; fi
	rm -rf .venv .venv-demo .venv-3.* .lab .out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
