"""Scores a run's checkpoints."""

from kfp.dsl import HTML, Markdown, Metrics, Output


def evaluate(
    config: str,
    store: str,
    run_id: str,
    reference_id: str,
    scores: Output[Metrics],
    histogram: Output[HTML],
    summary: Output[Markdown],
) -> str:
    """Score the checkpoints that the config asks for; the output is the step of the chosen one."""
    from components.runtime import artifacts, context

    with context.step("evaluate", store, config) as step:
        from gan.config import from_yaml
        from gan.steps.evaluate import evaluate as run
        from gan.store import open_store

        sets = context.sets_of(from_yaml(config), "evaluate")
        outcome = step.done(run(open_store(store), run_id, reference_id, sets=sets))
        artifacts.log_scores(scores, outcome.details)
        artifacts.write_modes(histogram, outcome.details)
        artifacts.write_markdown(summary, artifacts.score_table(outcome.details))
    return str(outcome.details["step"])
