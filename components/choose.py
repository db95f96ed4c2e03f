"""The best run of a sweep."""

from typing import NamedTuple

from kfp.dsl import Markdown, Output


def choose(
    config: str, store: str, sweep: str, dataset_id: str, reference_id: str, summary: Output[Markdown]
) -> NamedTuple("Chosen", [("run_id", str), ("checkpoint", str)]):  # type: ignore[valid-type]  # copied without imports
    """Compare what the trials of a sweep reached; the outputs are the best run and its checkpoint."""
    from components.runtime import artifacts, context

    with context.step("choose", store, config) as step:
        from gan.steps.sweep.experiment import experiment
        from gan.steps.sweep.rungs import select_best as run

        outcome = step.done(run(experiment(store, config, sweep, dataset_id, reference_id)))
        artifacts.write_markdown(summary, artifacts.sweep_table(outcome.details))
    return outcome.id, str(outcome.details["checkpoint"])
