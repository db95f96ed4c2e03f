# `make help` lists the targets. Everything is installed into .venv; nothing outside this folder is touched.
PYTHON ?= python3
BIN := .venv/bin
export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
GO_SERVERS := github.com/fsouza/fake-gcs-server@v1.56.1 \
  github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c \
  github.com/prometheus/pushgateway@v1.11.1

# Images: the client of the distribution, in case another one is earlier in PATH; a base that the documentation pins.
DOCKER ?= $(firstword $(wildcard /usr/bin/docker) docker)
BASE_IMAGE ?= python:3.11-slim
IMAGE ?= gan-pipelines:$(TARGET)
BUILD_IMAGE = DOCKER_BUILDKIT=1 $(DOCKER) build --file docker/Dockerfile --target $(TARGET) --tag $(IMAGE) \
  --build-arg BASE_IMAGE=$(BASE_IMAGE) --build-arg REVISION=$$(git describe --always --dirty --abbrev=40 --exclude '*') \
  --build-arg VERSION=$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' gan/__init__.py) .
TRY_IMAGE = $(DOCKER) run --rm --read-only --network none $(IMAGE) python3 -m gan --version
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

# The locks are complete. Asked to look for dependencies, pip before 23.3 would meet `coverage[toml]`, take the newest
# version instead of the one in the lock, and refuse it because it has no hash.
LOCKED = --quiet --disable-pip-version-check --require-hashes --no-deps

.PHONY: help install install-dev quickstart test lint unit servers soak golden docs docs-reference lock clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## Make .venv with what running needs.

install-dev: .venv/installed-dev ## Make .venv with what running and testing need.

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install $(LOCKED) -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	$(BIN)/pip install $(LOCKED) -r requirements-dev.lock
	@touch $@

# Apart from .venv, so that nothing that runs or is tested needs what builds the site.
.venv-docs/installed: requirements-docs.lock
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install $(LOCKED) -r requirements-docs.lock
	@touch $@

quickstart: install ## Run the whole pipeline on real handwritten digits, on this machine.
	$(BIN)/gan-pipelines run --config digits

test: install-dev lint unit ## Lint, types, layers, unit and end-to-end tests, coverage.

lint: install-dev ## Format, lint, words, types and layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python tests/lint_words.py
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: install-dev ## The tests alone, with coverage.
	$(BIN)/pytest --cov --cov-report=term -n 2

servers: ## Build the servers that some tests need, storage and push gateway, into .servers/bin (needs Go).
	mkdir -p .servers/bin
	for server in $(GO_SERVERS); do \
	  folder=$$(go mod download -json $$server | sed -n 's/.*"Dir": "\(.*\)",/\1/p') && \
	  go build -C $$folder -o $(CURDIR)/.servers/bin/ . || exit 1; done

soak: install-dev ## Every promise in its long form, 50 kills a step; an hour or so (GAN_SOAK, GAN_SEED).
	GAN_SOAK=$${GAN_SOAK:-50} $(BIN)/python tests/faults/soak.py

.PHONY: kind minikube
kind: ## A kind cluster with Kubeflow Pipelines, our image and k8s/overlays/local (needs kind, Docker, kubectl).
	k8s/up.sh kind

minikube: ## The same with minikube.
	k8s/up.sh minikube

.PHONY: cluster-test
cluster-test: install-dev ## Everything on a real cluster (KUBECONFIG, KFP_HOST) with Kubeflow Pipelines; half an hour or so.
	tests/cluster/prepare.sh
	GAN_CLUSTER_TESTS=1 GAN_TEST_IMAGE=$${GAN_TEST_IMAGE:-gan-pipelines:cluster-test} \
	  $(BIN)/pytest tests/cluster tests/container -n 3 --no-loadscope-reorder -vv --durations=20

golden: install ## Rewrite the golden pipeline YAML after a wanted change.
	for profile in $$($(BIN)/python -c 'from pipelines.profiles.profile import profile_names; print(*profile_names())'); do \
	  $(BIN)/gan-pipelines compile --pipeline training --profile $$profile --out tests/golden/training-$$profile.yaml || exit 1; \
	done

docs: .venv-docs/installed ## Build the site into build/site; warnings and broken links are errors.
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

docs-reference: install ## Rewrite docs/configuration.md and docs/profiles.md from the dataclasses.
	$(BIN)/python -m gan.config_reference > docs/configuration.md
	$(BIN)/python -m pipelines.profiles.reference_page > docs/profiles.md

.PHONY: image image-gpu base-image
image: TARGET = cpu
image: ## Build the image of the steps (IMAGE=gan-pipelines:cpu, BASE_IMAGE=python:3.11-slim; needs Docker).
	$(BUILD_IMAGE)
	$(TRY_IMAGE)

image-gpu: TARGET = gpu
image-gpu: ## The same with CUDA (IMAGE=gan-pipelines:gpu).
	$(BUILD_IMAGE)
	$(TRY_IMAGE)

base-image: ## Where no image can be pulled: make gan-base:local to build on (needs root and debootstrap).
	tests/cluster/base_image.sh

lock: ## Resolve the dependencies again and pin them by hash (needs uv).
	$(LOCK) --extra imagenet --extra s3 --extra sweep pyproject.toml build-requirements.in -o requirements.lock
	$(LOCK) --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(LOCK) --group docs -c requirements.lock -c requirements-dev.lock -o requirements-docs.lock
	$(LOCK) -c requirements.lock build-requirements.in docker/build.in -o docker/build.lock
	$(LOCK) --extra imagenet --extra s3 --extra sweep -c requirements.lock --override docker/unused.override \
	  --override docker/cpu.override pyproject.toml docker/cpu.in -o docker/cpu.lock
	$(LOCK) --extra imagenet --extra s3 --extra sweep --extra gpu -c requirements.lock --override docker/unused.override \
	  pyproject.toml -o docker/gpu.lock

clean: ## Remove .venv and every cache, but no store.
	rm -rf .venv .venv-docs .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* build dist *.egg-info
