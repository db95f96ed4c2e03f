"""Runs the pipelines on this machine: the compiled components under `kfp.local`, without Docker or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from components.registry import component
from gan.errors import EXIT_BUG, ConfigError, unknown_name
from pipelines.dags.tasks import Tasks
from pipelines.local import step_inputs
from pipelines.local.display import Display
from pipelines.local.kfp_local_env import IMAGE
from pipelines.local.local_runner import StepError, StepRun, run_locally
from pipelines.registry import PIPELINES
from pipelines.request import RunRequest


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


def _keep_output(request: RunRequest, run: StepRun) -> None:
    step_inputs.put(request, run.step, run.result)


def _inputs(request: RunRequest, step: str, made: Any) -> dict[str, str]:
    inputs = {name: text for name, text in request.parameters().items() if text and name in made.component_spec.inputs}
    for name, spec in made.component_spec.inputs.items():
        if name not in inputs and not spec.optional:
            inputs[name] = step_inputs.get(request, step, name)
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
