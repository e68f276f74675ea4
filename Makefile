# Every target sets up what it needs: a virtual environment in .venv, and for `test` the real clients.
.PHONY: demo serve check test test-s3 test-aws soak coverage bench docs lock clean help
.DEFAULT_GOAL := help

BIN := .venv/bin
# pytest compiles its tests anew each time where this is set, which takes longer than many of them.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/pytest -q
# One more than there are cores: many tests wait for something.
JOBS := $(shell expr $$(nproc) + 1)
PARALLEL := --ignore tests/e2e --ignore tests/judge -n $(JOBS) --dist worksteal
# Tests of a module share a service, and the longest modules come first (tests/e2e/conftest.py). Those that measure or fill
# the machine have it to themselves.
BY_MODULE := -n $(JOBS) --dist loadfile --no-loadscope-reorder

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/.runtime ## the article end to end, narrated, on a throw-away directory
	$(BIN)/crossdock demo

serve: .venv/.runtime ## run Crossdock in ./crossdock-data with the article's two accounts
	$(BIN)/crossdock serve --example article

check: .venv/.dev ## format, lint, types, layers and the fast tests
	$(BIN)/ruff format --check src tests bench scripts
	$(BIN)/ruff check src tests bench scripts
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) $(PARALLEL) -m "not slow and not soak" -x

test: .venv/.dev .venv-aws/.done ## everything but the long counts, with real clients against a real process
	scripts/install-clients
	scripts/install-judge
	$(PYTEST) $(PARALLEL) -m "not soak and not s3"
	$(PYTEST) $(BY_MODULE) -m "e2e and not soak and not alone and not s3" tests/e2e tests/judge
	$(PYTEST) -m "alone and not soak" tests/e2e

test-s3: .venv/.dev .venv-moto/.done ## the stores, and clients before a failing S3, on S3s of others: Ceph's, SeaweedFS and moto's
	scripts/install-rgw
	scripts/install-seaweedfs
	scripts/install-clients
	$(PYTEST) -n $(JOBS) --dist worksteal -m "s3 and not soak" tests/contract tests/adapters/aws
	$(PYTEST) $(BY_MODULE) -m "s3 and not soak" tests/e2e

test-aws: .venv/.dev ## the article's story on AWS itself: ARGS="--hub PROFILE --partner PROFILE"; costs cents, and asks
	$(BIN)/python -m tests.aws $(ARGS)

soak: .venv/.dev .venv-aws/.done .venv-moto/.done ## the long counts: faults, fuzz, generated cases
	scripts/install-rgw
	scripts/install-clients
	scripts/install-judge
	$(PYTEST) -m soak

coverage: .venv/.dev ## branch coverage of all but the tests with real clients
	$(PYTEST) $(PARALLEL) -m "not soak and not s3" --cov --cov-report=term-missing:skip-covered

bench: .venv/.dev ## the file protocols beside other servers (ARGS=--quick to try it); writes docs/benchmarks.md
	scripts/install-peers
	$(BIN)/python -m bench $(ARGS)

docs: .venv/.dev ## regenerate the generated pages
	$(BIN)/python scripts/generate_docs.py

lock: .venv/.dev ## renew the pinned versions
	scripts/lock

clean: ## remove what the targets made
	rm -rf .venv .venv-aws .venv-moto .judge .bench .rgw .seaweedfs .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.runtime: requirements.lock pyproject.toml
	scripts/make-venv .venv requirements.lock --with-crossdock
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml .venv/.runtime
	scripts/make-venv .venv requirements-dev.lock --with-crossdock
	@touch $@

# The aws command pins its own botocore, so it lives apart.
.venv-aws/.done: requirements-aws.lock
	scripts/make-venv .venv-aws requirements-aws.lock
	@touch $@

.venv-moto/.done: requirements-moto.lock
	scripts/make-venv .venv-moto requirements-moto.lock
	@touch $@
