"""The steps that a pipeline may have: what they are called, and all that the rest of the code must know of each.

A step's component is the function of its name in the module of its name, `components/<name>.py`. It is imported when it
is asked for: the bodies of the components import `components.runtime`, which reads this registry.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from components import gauges, summaries
from components.gauges import Gauges
from gan.result import StepResult
from gan.types import Json

DATA_GROUPS = ("data",)
RUN_GROUPS = ("name", "data", "generator", "discriminator", "loss", "train")
SCORE_GROUPS = (*RUN_GROUPS, "reference", "evaluate")


@dataclass(frozen=True)
class StepSpec:
    """One step.

    Attributes:
        name: of the step, of its module in `components` and of the function there.
        makes: the parameter by which later steps take what it makes, such as dataset_id; empty if none takes it.
        decided_by: the groups of the config that decide what it makes; finds the inputs of `gan-pipelines run --only`.
        output: what it makes, from its result.
        condition: the key of its details that says whether the steps that depend on its verdict run.
        skip_reason: why they do not run where that is false.
        repeats: whether a pipeline run may have several tasks of it, as it has trials in a sweep.
        needs_tensorflow: whether TensorFlow is imported before the body.
        needs_webhook: whether its pod gets the webhook's secret.
        gauges: what it reports to operators besides its times and its exit code.
        summary: what its details say, in lines for people.
    """

    name: str
    makes: str = ""
    decided_by: tuple[str, ...] = ()
    output: Callable[[StepResult], object] = lambda result: result.id
    condition: str = ""
    skip_reason: str = ""
    repeats: bool = False
    needs_tensorflow: bool = True
    needs_webhook: bool = False
    gauges: Gauges = gauges.none
    summary: Callable[[Json], list[str]] = lambda details: []

    @property
    def function(self) -> Callable[..., Any]:
        """Its component, as Python."""
        found: Callable[..., Any] = getattr(import_module(f"components.{self.name}"), self.name)
        return found

    @property
    def takes_workers(self) -> bool:
        """Whether several pods can do it together."""
        return "workers" in inspect.signature(self.function).parameters


STEPS = {
    spec.name: spec
    for spec in (
        StepSpec("preprocess", makes="dataset_id", decided_by=DATA_GROUPS),
        StepSpec(
            "decide", condition="train", skip_reason="nothing new", needs_tensorflow=False, summary=summaries.decision
        ),
        StepSpec("reference", makes="reference_id", decided_by=(*DATA_GROUPS, "reference")),
        StepSpec("train", makes="run_id", decided_by=RUN_GROUPS),
        StepSpec(
            "evaluate",
            makes="checkpoint",
            decided_by=SCORE_GROUPS,
            output=lambda result: result.details["step"],
            gauges=gauges.scores,
            summary=summaries.scores,
        ),
        StepSpec("remeasure"),
        StepSpec("export", makes="generator_id", decided_by=SCORE_GROUPS),
        StepSpec(
            "gate",
            condition="passed",
            skip_reason="the gate refused",
            needs_tensorflow=False,
            gauges=gauges.verdict,
            summary=summaries.verdict,
        ),
        StepSpec(
            "promote",
            needs_tensorflow=False,
            gauges=gauges.promotion,
            summary=summaries.promotion,
        ),
        StepSpec("report"),
        StepSpec("notify", needs_tensorflow=False, needs_webhook=True, summary=summaries.notification),
        StepSpec("propose", repeats=True),
        StepSpec("trial", repeats=True),
        StepSpec("choose", needs_tensorflow=False),
    )
}
"""Every step by its name."""


def component(name: str, image: str) -> Any:
    """The component of a step, whose pod runs `image`.

    Nothing is installed when a pod starts: the image holds `gan`, `components` and kfp.
    """
    from kfp import dsl

    return dsl.component(STEPS[name].function, base_image=image, packages_to_install=[], install_kfp_package=False)


def fingerprint(name: str) -> str:
    """A hash of the source of a step's body. A pipeline carries the body, and the image what the body calls."""
    return hashlib.sha256(inspect.getsource(STEPS[name].function).encode()).hexdigest()[:16]
