"""The sweep pipeline: many runs of one experiment, of which the best is exported, judged and promoted.

Annotations stay unquoted in this module and in those of the components: kfp reads them as types.
"""

import inspect
from typing import Any

from kfp import dsl

from pipelines.dags.promotion import promote_if_passed
from pipelines.dags.tasks import Tasks, uncached
from pipelines.dags.training import OUTPUT

MAX_PARALLEL_TRIALS = 4


def sweep(tasks: Tasks, stages: int) -> Any:
    """Many runs of one experiment, of which the best is exported, judged and promoted.

    1. preprocess, reference: as in the training pipeline.
    2. For each stage (the waves of the first rung, then each further rung): propose schedules trials, and each trial
       trains to its rung and is scored, four at a time. One that diverges drops out, which is not a failure.
    3. choose: the best run at the last rung.
    4. export, gate, promote, report: as in the training pipeline.

    Parameters of a run: `config` is the whole resolved config as YAML, and `sweep` the whole sweep; `store` the URI of
    everything durable; `name` the name to promote to.

    The store records which trials were scheduled and which have ended, so that a retry continues where it stopped.
    """
    release = promote_if_passed(tasks)

    # A pipeline of its own, because a task may wait for a pipeline with a loop inside, but not for a loop.
    @dsl.pipeline(name="stage", description="Train and score the trials of one stage.")  # type: ignore[untyped-decorator]
    def trials(
        config: str, store: str, sweep: str, dataset_id: str, reference_id: str, stage: int, numbers: list[int]
    ) -> None:
        of_sweep = {"config": config, "store": store, "sweep": sweep}
        of_data = {"dataset_id": dataset_id, "reference_id": reference_id}
        # kfp.local would mix up the result files of two at once
        with dsl.ParallelFor(numbers, parallelism=MAX_PARALLEL_TRIALS if tasks.profile else 1) as number:
            tasks("trial", **of_sweep, **of_data, stage=stage, number=number)

    @dsl.pipeline(name="gan-sweep", description=inspect.getdoc(sweep))  # type: ignore[untyped-decorator]
    def pipeline(config: str, store: str, name: str, sweep: str) -> None:
        dataset = tasks("preprocess", config=config, store=store)
        of_data = {"store": store, "dataset_id": dataset.outputs[OUTPUT]}
        reference = tasks("reference", config=config, **of_data)
        scored = {"reference_id": reference.outputs[OUTPUT]}
        of_sweep = {"config": config, "sweep": sweep, **of_data, **scored}
        before: Any = reference
        for stage in range(stages):
            scheduled = tasks("propose", **of_sweep, stage=stage).after(before)
            before = uncached(trials(**of_sweep, stage=stage, numbers=scheduled.outputs[OUTPUT]))
        best = tasks("choose", **of_sweep).after(before)
        run_id = best.outputs["run_id"]
        of_run = {"config": config, "store": store, "run_id": run_id}
        generator = tasks("export", **of_run, **scored, checkpoint=best.outputs["checkpoint"])
        candidate = {"store": store, "name": name, "generator_id": generator.outputs[OUTPUT]}
        verdict = tasks("gate", config=config, **candidate)
        promoted = uncached(release(**candidate, passed=verdict.outputs[OUTPUT]))
        tasks("report", store=store, run_id=run_id).after(promoted)

    return pipeline
