"""The ids that a config led to, so that one step can run alone: its inputs are what the steps before it made.

An output is kept under just the part of the request that decided it: another learning rate needs no new dataset.
"""

from __future__ import annotations

from typing import Any

from components.registry import STEPS, StepSpec
from gan.errors import NotFoundError
from gan.result import StepResult
from gan.store import step_cache
from pipelines.request import RunRequest

PRODUCERS = {spec.makes: spec for spec in STEPS.values() if spec.makes}
"""The step that makes each input of another step."""


def put(request: RunRequest, step: str, result: StepResult) -> None:
    """Remember what a step made of a request."""
    spec = STEPS[step]
    if spec.makes:
        step_cache.put(request.store, _key(spec), _recipe(request, spec), str(spec.output(result)))


def get(request: RunRequest, step: str, value: str) -> str:
    """What the step before `step` made under the name `value`, such as `dataset_id`.

    Raises:
        NotFoundError: that step has not run yet in this store with this config.
    """
    spec = PRODUCERS[value]
    made = step_cache.get(request.store, _key(spec), _recipe(request, spec))
    if made is None:
        raise NotFoundError(
            f"{step} needs the {value} that {spec.name} makes, and {spec.name} has not run yet in the store "
            f"{request.store.uri} with this config; run the same command with --only {spec.name}, or without --only"
        )
    return made


def _key(spec: StepSpec) -> str:
    return f"pipeline-{spec.name}"


def _recipe(request: RunRequest, spec: StepSpec) -> dict[str, Any]:
    tree = request.config.to_record()
    recipe = {group: tree[group] for group in spec.decided_by}
    return {**recipe, "run_id": request.run_id} if "train" in spec.decided_by else recipe
