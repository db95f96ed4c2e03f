"""The generator as SavedModel and .keras."""

from kfp.dsl import Markdown, Model, Output


def export(store: str, run_id: str, checkpoint: str, generator: Output[Model], card: Output[Markdown]) -> str:
    """Export a checkpoint's generator and prove that it draws the same; the output is the generator id."""
    from components import artifacts, runtime

    with runtime.step("export") as step:
        from gan.steps.export import export as run
        from gan.store import open_store

        outcome = step.done(run(open_store(store), run_id, checkpoint=checkpoint))
        artifacts.copy_generator(generator, card, open_store(store), outcome)
    return outcome.id
