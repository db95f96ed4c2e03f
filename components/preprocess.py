"""Images into TFRecord shards."""

from kfp.dsl import Markdown, Output


def preprocess(config: str, store: str, summary: Output[Markdown]) -> str:
    """Check the whole config, then turn images into TFRecord shards; the output is the dataset id."""
    from components import artifacts, runtime

    with runtime.step("preprocess") as step:
        from gan.build import check_config
        from gan.config import from_yaml
        from gan.steps.preprocess import preprocess as run
        from gan.store import open_store

        resolved = from_yaml(config)
        check_config(resolved)
        outcome = step.done(run(open_store(store), resolved.data))
        artifacts.write_markdown(summary, artifacts.outcome_table(outcome))
    return outcome.id
