"""The report of a run as one page."""

from kfp.dsl import HTML, Output


def report(store: str, run_id: str, page: Output[HTML]) -> str:
    """Write the report of a run, promoted or refused; the output is its URI."""
    from components.runtime import artifacts, context

    with context.step("report", store) as step:
        from gan.steps.report import write_report as run
        from gan.store import layout, open_store

        outcome = step.done(run(open_store(store), run_id))
        artifacts.copy_object(page, open_store(store), layout.report(run_id))
    return outcome.uri
