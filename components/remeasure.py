"""Scores the live generator and the best that ever was live as the new one is scored."""

from kfp.dsl import Markdown, Output


def remeasure(config: str, store: str, name: str, reference_id: str, summary: Output[Markdown]) -> str:
    """Score the live generator and the best that ever was live by the new reference; the output is the live id."""
    from components.runtime import artifacts, context

    with context.step("remeasure", store, config) as step:
        from gan.config import from_yaml
        from gan.steps.remeasure import remeasure as run
        from gan.store import open_store

        sets = context.sets_of(from_yaml(config), "evaluate")
        outcome = step.done(run(open_store(store), name, reference_id, sets=sets))
        scored = outcome.details["why_not"] is None
        artifacts.write_markdown(
            summary, artifacts.score_table(outcome.details) if scored else artifacts.outcome_table(outcome)
        )
    return outcome.id
