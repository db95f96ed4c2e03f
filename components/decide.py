"""Decides whether to train again."""

from typing import NamedTuple

from kfp.dsl import Markdown, Output


# The type of the outputs is in the signature, because Kubeflow copies only the function. One is called Output, because
# kfp.local finds the output that a condition reads only under that name.
def decide(config: str, store: str, dataset_id: str, name: str, summary: Output[Markdown]) -> NamedTuple(  # type: ignore[valid-type]
    "Decision", [("Output", bool), ("config", str)]
):
    """Decide whether to train for a name; the outputs are that, and the config to train with."""
    from components.runtime import artifacts, context

    with context.step("decide", store, config) as step:
        from gan.config import from_yaml, override
        from gan.steps.decide import decide as run
        from gan.store import open_store
        from gan.util.tf_import import load_tensorflow

        resolved = from_yaml(config)
        if resolved.retrain.max_drift is not None:
            load_tensorflow()
        outcome = step.done(run(open_store(store), resolved, dataset_id, name))
        decided = override(resolved, outcome.details["sets"])
        artifacts.write_markdown(summary, artifacts.outcome_table(outcome))
    return bool(outcome.details["train"]), decided.to_yaml()
