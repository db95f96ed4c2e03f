"""Runs the pipelines on this machine: the compiled components under `kfp.local`, without Docker or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from components.registry import STEPS, StepSpec, component
from gan.errors import EXIT_BUG, ConfigError, NotFoundError, unknown_name
from gan.result import StepResult
from gan.store import step_cache
from pipelines.dags.tasks import Tasks
from pipelines.local.display import Display
from pipelines.local.kfp_local_env import IMAGE
from pipelines.local.local_runner import StepError, StepRun, run_locally
from pipelines.registry import PIPELINES
from pipelines.request import RunRequest

PRODUCERS = {spec.makes: spec for spec in STEPS.values() if spec.makes}
"""The step that makes each input of another step."""


def run_pipeline(name: str, request: RunRequest, display: Display) -> list[StepRun]:
    """Run a whole pipeline.

    Returns:
        How each step went, in order; the trials of a sweep are a step each. A step that a verdict leaves out is not an
        error.

    Raises:
        StepError, Stopped: see `run_locally`. Where retraining failed, the webhook was notified.
    """
    spec = PIPELINES[name]

    def start() -> None:
        pipeline = spec.build(Tasks(IMAGE, None), request.sweep)
        inputs = pipeline.component_spec.inputs
        pipeline(**{name: text for name, text in request.parameters().items() if name in inputs})

    keep = partial(_keep_output, request) if spec.single_steps else lambda run: None
    done = run_locally(start, spec.steps, display, after_each=keep)
    skipped = spec.skipped({run.step: run.result for run in done})
    return _require(done, [step for step in spec.steps if step not in skipped])


def run_step(pipeline: str, request: RunRequest, step: str, display: Display) -> StepRun:
    """Run one step of a pipeline alone, with what the steps before it made of the same config in the same store.

    Raises:
        ConfigError: the pipeline has no such step.
        NotFoundError: an input has not been made yet.
        StepError, Stopped: see `run_locally`.
    """
    steps = PIPELINES[pipeline].steps
    if step not in steps:
        raise ConfigError(unknown_name("step in --only:", step, steps))
    made = component(step, IMAGE)
    inputs = _inputs(request, step, made)
    (done,) = run_locally(lambda: made(**inputs), [step], display, after_each=partial(_keep_output, request))
    return done


def _inputs(request: RunRequest, step: str, made: Any) -> dict[str, str]:
    inputs = {name: text for name, text in request.parameters().items() if text and name in made.component_spec.inputs}
    for name, spec in made.component_spec.inputs.items():
        if name not in inputs and not spec.optional:
            inputs[name] = get_input(request, step, name)
    return inputs


def _require(done: Sequence[StepRun], wanted: Sequence[str]) -> list[StepRun]:
    """`done` if nothing that was wanted is missing.

    `kfp.local` skips a branch in silence where it can't read a condition.

    Steps that come several times, as in a sweep, count once.
    """
    ran = list(dict.fromkeys(run.step for run in done))
    if ran != list(wanted):
        raise StepError(f"the steps {wanted} were to run, and {ran} did; this is a bug, please report it", EXIT_BUG)
    return list(done)


def _keep_output(request: RunRequest, run: StepRun) -> None:
    put_output(request, run.step, run.result)


def put_output(request: RunRequest, step: str, result: StepResult) -> None:
    """Remember what a step made of just the part of the request that decided it, so that one step can run alone.

    Another learning rate needs no new dataset.
    """
    spec = STEPS[step]
    if spec.makes:
        step_cache.put(request.store, _key(spec), _recipe(request, spec), str(spec.output(result)))


def get_input(request: RunRequest, step: str, value: str) -> str:
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
