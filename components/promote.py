"""Makes a generator the live one."""

from kfp.dsl import Markdown, Output


def promote(store: str, generator_id: str, name: str, summary: Output[Markdown]) -> str:
    """Make a generator that passed the gate the live one; the output is the generator id."""
    from components.runtime import artifacts, context

    with context.step("promote", store, experiment=name) as step:
        from gan.steps.promote import promote as run
        from gan.store import open_store

        outcome = step.done(run(open_store(store), generator_id, name))
        artifacts.write_markdown(summary, artifacts.outcome_table(outcome))
    return outcome.id
