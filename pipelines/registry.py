"""The pipelines: what each is called, its steps, and all that the rest of the code must know of it.

A pipeline is built by the function of its name in `pipelines/dags/<name>.py`. It is imported when it is asked for, so
that `--help` does not import kfp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from components.registry import STEPS
from gan.config.sweep import Sweep
from gan.result import StepResult

if TYPE_CHECKING:
    from pipelines.dags.tasks import Tasks


@dataclass(frozen=True)
class PipelineSpec:
    """One pipeline.

    Attributes:
        name: of the pipeline, of its module in `pipelines.dags` and of the function there.
        about: what it does, for `--help`.
        steps: their names, in the order in which they run on one machine.
        conditional: the steps that run only if the verdict of a step allows it, by that step's name.
        checkpoint_from: the step whose result names the run and the checkpoint that is exported; empty where none is.
        takes_sweep: whether it is given a sweep, and is built for its number of stages.
        takes_run_id: whether the training run can be given a name.
        single_steps: whether `--only` may run one of its steps alone.
        schedulable: whether a schedule may run it.
    """

    name: str
    about: str
    steps: tuple[str, ...]
    conditional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checkpoint_from: str = ""
    takes_sweep: bool = False
    takes_run_id: bool = False
    single_steps: bool = False
    schedulable: bool = True

    def build(self, tasks: Tasks, sweep: Sweep | None = None) -> Any:
        """The pipeline; one that takes a sweep has the stages of `sweep`, or of the default one."""
        function: Callable[..., Any] = getattr(import_module(f"pipelines.dags.{self.name}"), self.name)
        return function(tasks, (sweep or Sweep()).stages) if self.takes_sweep else function(tasks)

    def skipped(self, results: Mapping[str, StepResult]) -> dict[str, str]:
        """The steps that need not run, as the verdicts among `results` do not allow it, and why."""
        found: dict[str, str] = {}
        for step, dependent in self.conditional.items():
            if step not in results or not results[step].details[STEPS[step].condition]:
                found = {**dict.fromkeys(dependent, STEPS[step].skip_reason), **found}
        return found


_RELEASE = ("export", "gate", "promote", "report")
_IF_PASSED = {"gate": ("promote",)}
_NEW = ("reference", "train", "evaluate", "remeasure", *_RELEASE)

PIPELINES = {
    spec.name: spec
    for spec in (
        PipelineSpec(
            "training",
            about="trains once",
            steps=("preprocess", "reference", "train", "evaluate", *_RELEASE),
            conditional=_IF_PASSED,
            checkpoint_from="evaluate",
            takes_run_id=True,
            single_steps=True,
        ),
        PipelineSpec(
            "retraining",
            about="trains if there is a reason to",
            steps=("preprocess", "decide", *_NEW, "notify"),
            conditional={"decide": _NEW, **_IF_PASSED},
            checkpoint_from="evaluate",
        ),
        PipelineSpec(
            "sweep",
            about="trains many runs and continues with the best",
            steps=("preprocess", "reference", "propose", "trial", "choose", *_RELEASE),
            conditional=_IF_PASSED,
            checkpoint_from="choose",
            takes_sweep=True,
            schedulable=False,  # every night it would find itself done
        ),
    )
}
"""Every pipeline by its name."""
