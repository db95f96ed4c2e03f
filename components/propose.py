"""Schedules the trials of a sweep."""

from kfp.dsl import Markdown, Output


def propose(
    config: str, store: str, sweep: str, dataset_id: str, reference_id: str, stage: int, summary: Output[Markdown]
) -> list[int]:
    """Schedule the trials of a stage of a sweep; the output is their numbers."""
    from components.runtime import artifacts, context

    with context.step("propose", store, config) as step:
        from gan.steps.sweep.experiment import experiment
        from gan.steps.sweep.rungs import schedule_trials as run

        outcome = step.done(run(experiment(store, config, sweep, dataset_id, reference_id), stage))
        artifacts.write_markdown(summary, artifacts.trial_table(outcome.details["trials"]))
    return list(range(len(outcome.details["trials"])))
