"""Which ids a config led to, so that one step can be run alone: its inputs are what the steps before it made.

A note holds just the part of the request that decided a step's output: another learning rate needs no new dataset.
"""

from __future__ import annotations

from typing import Any

from gan.errors import NotFoundError
from gan.result import StepResult
from gan.store import step_cache
from pipelines.request import RunRequest

PRODUCERS = {
    "dataset_id": "preprocess",
    "reference_id": "reference",
    "run_id": "train",
    "checkpoint": "evaluate",
    "generator_id": "export",
}
"""The step that makes each input of another step."""

_OF_DATA = ("data",)
_OF_RUN = ("name", "data", "generator", "discriminator", "loss", "train")
_OF_SCORES = (*_OF_RUN, "reference", "evaluate")
DECISIVE = {
    "preprocess": _OF_DATA,
    "reference": (*_OF_DATA, "reference"),
    "train": _OF_RUN,
    "evaluate": _OF_SCORES,
    "export": _OF_SCORES,
}
"""The groups of the config that decide what each of those steps makes."""


def put(request: RunRequest, step: str, outcome: StepResult) -> None:
    """Note what a step made of a request."""
    if step in PRODUCERS.values():
        made = outcome.details["step"] if step == "evaluate" else outcome.id
        step_cache.put(request.store, _note(step), _recipe(request, step), str(made))


def get(request: RunRequest, step: str, value: str) -> str:
    """What the step before `step` made under the name `value`, such as `dataset_id`.

    Raises:
        NotFoundError: that step has not run yet in this store with this config.
    """
    producer = PRODUCERS[value]
    made = step_cache.get(request.store, _note(producer), _recipe(request, producer))
    if made is None:
        raise NotFoundError(
            f"{step} needs the {value} that {producer} makes, and {producer} has not run yet in the store "
            f"{request.store.uri} with this config; run the same command with --only {producer}, or without --only"
        )
    return made


def _note(step: str) -> str:
    return f"pipeline-{step}"


def _recipe(request: RunRequest, step: str) -> dict[str, Any]:
    tree = request.config.to_dict()
    recipe = {group: tree[group] for group in DECISIVE[step]}
    return recipe if step in ("preprocess", "reference") else {**recipe, "run_id": request.run_id}
