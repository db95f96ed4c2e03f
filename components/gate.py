"""The gate's verdict on a generator."""

from kfp.dsl import Markdown, Output


def gate(config: str, store: str, generator_id: str, name: str, verdict: Output[Markdown]) -> bool:
    """Judge a generator by limits, the live one and the best ever live; the output is whether it passed."""
    from components.runtime import artifacts, context

    with context.step("gate", store, config) as step:
        from gan.config import from_yaml
        from gan.steps.gate import gate as run
        from gan.store import open_store

        sets = context.sets_of(from_yaml(config), "gate")
        outcome = step.done(run(open_store(store), generator_id, name, sets=sets))
        artifacts.write_markdown(verdict, artifacts.verdict(outcome))
    return bool(outcome.details["passed"])
