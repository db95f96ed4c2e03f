"""Runs the pipelines on this machine: the compiled components under `kfp.local`, no Docker, no cluster."""

from __future__ import annotations

from collections.abc import Sequence

from components.catalogue import STEPS, component
from gan.errors import EXIT_BUG, ConfigError, unknown_name
from pipelines import trail
from pipelines.conductor import StepError, StepRun, conduct
from pipelines.display import Display
from pipelines.request import Request
from pipelines.retraining import ORDER, retraining
from pipelines.sandbox import IMAGE
from pipelines.tasks import Tasks
from pipelines.training import training


def run_training(request: Request, display: Display) -> list[StepRun]:
    """Run the whole pipeline.

    Returns:
        How each step went, in order. A refused gate leaves out the promotion, and is no error.

    Raises:
        StepError, Stopped: see `conduct`.
    """
    parameters = request.parameters()
    done = conduct(
        lambda: training(Tasks(IMAGE, None))(**parameters),
        list(STEPS),
        display,
        after_each=lambda run: _note(request, run),
    )
    return _require(done, list(STEPS))


def run_retraining(request: Request, display: Display) -> list[StepRun]:
    """Run the whole retraining pipeline.

    Returns:
        How each step went, in order. Where there is nothing new, nothing is trained, and that is no error.

    Raises:
        StepError, Stopped: see `conduct`. The webhook was told of an error.
    """
    parameters = {name: text for name, text in request.parameters().items() if name != "run_id"}
    done = conduct(lambda: retraining(Tasks(IMAGE, None))(**parameters), ORDER, display)
    new = any(run.step == "decide" and run.outcome.details["train"] for run in done)
    return _require(done, [step for step in ORDER if new or step in ("preprocess", "decide", "notify")])


def run_step(request: Request, step: str, display: Display) -> StepRun:
    """Run one step alone; its inputs are what the steps before it made of the same config in the same store.

    Raises:
        ConfigError: there is no such step.
        NotFoundError: an input has not been made yet.
        StepError, Stopped: see `conduct`.
    """
    if step not in STEPS:
        raise ConfigError(unknown_name("step in --only:", step, STEPS))
    made = component(step, IMAGE)
    parameters = request.parameters()
    inputs = {name: _input(request, step, name, parameters) for name in made.component_spec.inputs}
    (done,) = conduct(lambda: made(**inputs), [step], display, after_each=lambda run: _note(request, run))
    return done


def _note(request: Request, run: StepRun) -> None:
    trail.remember(request, run.step, run.outcome)


def _input(request: Request, step: str, name: str, parameters: dict[str, str]) -> str:
    given = parameters.get(name, "")
    if given or (name == "run_id" and step == "train"):
        return given
    return trail.recall(request, step, name)


def _require(done: Sequence[StepRun], wanted: Sequence[str]) -> list[StepRun]:
    """`done` if nothing that was wanted is missing, but for a promotion that the gate refused.

    `kfp.local` skips a branch in silence where it can't read a condition.
    """
    passed = any(run.step == "gate" and run.outcome.details["passed"] for run in done)
    wanted = [step for step in wanted if step != "promote" or passed]
    ran = [run.step for run in done]
    if ran != wanted:
        raise StepError(f"the steps {wanted} were to run, and {ran} did; this is a bug, please report it", EXIT_BUG)
    return list(done)
