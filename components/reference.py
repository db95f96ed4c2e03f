"""The feature network and the statistics of the real data."""

from kfp.dsl import Markdown, Output


def reference(config: str, store: str, dataset_id: str, summary: Output[Markdown]) -> str:
    """Make the feature network and statistics that scores are measured with; the output is the reference id."""
    from components.runtime import artifacts, context

    with context.step("reference", store, config) as step:
        from gan.config import from_yaml
        from gan.steps.reference import make_reference as run
        from gan.store import open_store

        outcome = step.done(run(open_store(store), dataset_id, from_yaml(config).reference))
        artifacts.write_markdown(summary, artifacts.outcome_table(outcome))
    return outcome.id
