"""One training run of a sweep, up to its next rung."""

from kfp.dsl import Metrics, Output


def trial(
    config: str,
    store: str,
    sweep: str,
    dataset_id: str,
    reference_id: str,
    stage: int,
    number: int,
    scores: Output[Metrics],
) -> str:
    """Train and score one trial of a stage; if it diverges, it drops out without an error; the output is the run id."""
    from components.runtime import artifacts, context

    with context.step("trial", store, config) as step:
        from gan.steps.sweep.experiment import experiment
        from gan.steps.sweep.rungs import run_trial

        made = experiment(store, config, sweep, dataset_id, reference_id)
        outcome = step.done(run_trial(made, made.stage(stage)[number]))
        artifacts.log_figures(scores, outcome.details)
    return outcome.id
