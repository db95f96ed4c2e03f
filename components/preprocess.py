"""Images into TFRecord shards."""

from kfp.dsl import Markdown, Output


def preprocess(config: str, store: str, summary: Output[Markdown]) -> str:
    """Turn images into TFRecord shards, and check the whole config before and against them; the output is their id."""
    from components.runtime import artifacts, context

    with context.step("preprocess", store, config) as step:
        from gan.build import check, check_config
        from gan.config import from_yaml
        from gan.data.spec import load
        from gan.steps.preprocess import preprocess as run
        from gan.store import open_store

        resolved = from_yaml(config)
        check_config(resolved)
        made = run(open_store(store), resolved.data)
        check(resolved, load(open_store(store), made.id))
        outcome = step.done(made)
        artifacts.write_markdown(summary, artifacts.outcome_table(outcome))
    return outcome.id
