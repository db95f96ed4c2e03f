"""The two networks play."""

from kfp.dsl import HTML, Metrics, Output


def train(
    config: str,
    store: str,
    dataset_id: str,
    samples: Output[HTML],
    curves: Output[HTML],
    figures: Output[Metrics],
    run_id: str = "",
) -> str:
    """Train a run, or continue it from its last checkpoint; the output is the run id."""
    from components import artifacts, runtime

    with runtime.step("train", store, config) as step:
        from gan.config import from_yaml
        from gan.steps.train import train as run
        from gan.store import open_store

        outcome = step.done(run(open_store(store), from_yaml(config), dataset_id, run_id=run_id or None))
        artifacts.log_figures(figures, outcome.details)
        artifacts.write_curves(curves, open_store(store), outcome.id)
        artifacts.write_last_samples(samples, open_store(store), outcome.id)
    return outcome.id
