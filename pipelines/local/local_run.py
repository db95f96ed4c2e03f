"""Runs the pipelines on this machine: the compiled components under `kfp.local`, no Docker, no cluster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from components.registry import STEPS, component
from gan.errors import EXIT_BUG, ConfigError, unknown_name
from pipelines.dags import retraining, sweep
from pipelines.dags.compiled import pipelines
from pipelines.dags.tasks import Tasks
from pipelines.local import step_inputs
from pipelines.local.display import Display
from pipelines.local.kfp_local_env import IMAGE
from pipelines.local.local_runner import StepError, StepRun, run_locally
from pipelines.request import RunRequest

ORDERS: dict[str, Sequence[str]] = {"training": tuple(STEPS), "retraining": retraining.ORDER, "sweep": sweep.ORDER}
"""The steps of each pipeline, in the order in which they come here."""


def run_pipeline(name: str, request: RunRequest, display: Display) -> list[StepRun]:
    """Run a whole pipeline.

    Returns:
        How each step went, in order; the trials of a sweep are a step each. What a refusal of the gate, or nothing new,
        leaves out is no error.

    Raises:
        StepError, Stopped: see `run_locally`. Where retraining failed, the webhook was told.
    """
    build = pipelines(request.sweep.stages if request.sweep else 1)[name]

    def start() -> None:
        pipeline = build(Tasks(IMAGE, None))
        takes = pipeline.component_spec.inputs
        pipeline(**{name: text for name, text in request.parameters().items() if name in takes})

    note = partial(_note, request) if name == "training" else lambda run: None
    done = run_locally(start, ORDERS[name], display, after_each=note)
    return _require(done, [step for step in ORDERS[name] if step not in _left_out(done)])


def run_step(request: RunRequest, step: str, display: Display) -> StepRun:
    """Run one step alone; its inputs are what the steps before it made of the same config in the same store.

    Raises:
        ConfigError: there is no such step.
        NotFoundError: an input has not been made yet.
        StepError, Stopped: see `run_locally`.
    """
    if step not in STEPS:
        raise ConfigError(unknown_name("step in --only:", step, STEPS))
    made = component(step, IMAGE)
    parameters = request.parameters()
    inputs = {name: _input(request, step, name, parameters) for name in made.component_spec.inputs}
    (done,) = run_locally(lambda: made(**inputs), [step], display, after_each=lambda run: _note(request, run))
    return done


def _note(request: RunRequest, run: StepRun) -> None:
    step_inputs.put(request, run.step, run.outcome)


def _input(request: RunRequest, step: str, name: str, parameters: dict[str, str]) -> str:
    given = parameters.get(name, "")
    if given or (name == "run_id" and step == "train"):
        return given
    return step_inputs.get(request, step, name)


def _left_out(done: Sequence[StepRun]) -> set[str]:
    """The steps that there was no reason for."""
    details = {run.step: run.outcome.details for run in done}
    if "decide" in details and not details["decide"]["train"]:
        return set(retraining.ORDER) - {"preprocess", "decide", "notify"}
    return set() if details.get("gate", {}).get("passed") else {"promote"}


def _require(done: Sequence[StepRun], wanted: Sequence[str]) -> list[StepRun]:
    """`done` if nothing that was wanted is missing.

    `kfp.local` skips a branch in silence where it can't read a condition.

    Steps that come several times, as in a sweep, count once.
    """
    ran = list(dict.fromkeys(run.step for run in done))
    if ran != list(wanted):
        raise StepError(f"the steps {wanted} were to run, and {ran} did; this is a bug, please report it", EXIT_BUG)
    return list(done)
