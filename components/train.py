"""Trains generator and discriminator."""

from kfp.dsl import HTML, Metrics, Output


def train(
    config: str,
    store: str,
    dataset_id: str,
    samples: Output[HTML],
    curves: Output[HTML],
    figures: Output[Metrics],
    run_id: str = "",
    workers: int = 1,
) -> str:
    """Train a run in one or several pods, or continue it from its last checkpoint; the output is the run id."""
    from components.runtime import artifacts, context

    with context.step("train", store, config, tensorflow=workers == 1) as step:
        from gan.config import from_yaml
        from gan.store import open_store

        if workers > 1:
            from components.multi_worker.launcher import train_together

            made = train_together(workers, from_yaml(config), store, dataset_id, run_id or None)
        else:
            from gan.steps.train import train as run

            made = run(open_store(store), from_yaml(config), dataset_id, run_id=run_id or None)
        outcome = step.done(made)
        artifacts.log_figures(figures, outcome.details)
        artifacts.write_curves(curves, open_store(store), outcome.id)
        artifacts.write_last_samples(samples, open_store(store), outcome.id)
    return outcome.id
