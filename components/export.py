"""The generator as SavedModel and .keras."""

from kfp.dsl import Markdown, Model, Output


def export(
    config: str,
    store: str,
    run_id: str,
    reference_id: str,
    checkpoint: str,
    generator: Output[Model],
    card: Output[Markdown],
) -> str:
    """Export a checkpoint's generator with its scores, and check that it draws the same; the output is its id."""
    from components.runtime import artifacts, context

    with context.step("export", store, config) as step:
        from gan.config import from_yaml
        from gan.steps.export import export as run
        from gan.store import open_store

        protocol = from_yaml(config).evaluate
        made = run(open_store(store), run_id, checkpoint=checkpoint, reference_id=reference_id, protocol=protocol)
        outcome = step.done(made)
        artifacts.copy_generator(generator, card, open_store(store), outcome)
    return outcome.id
