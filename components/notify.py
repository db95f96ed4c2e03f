"""Notifies a webhook of how the run ended."""

from kfp.dsl import Markdown, Output, PipelineTaskFinalStatus


def notify(config: str, store: str, name: str, status: PipelineTaskFinalStatus, summary: Output[Markdown]) -> str:
    """Notify the webhook of how the run ended; the output is the event."""
    from components.runtime import artifacts, context

    with context.step("notify", store, config) as step:
        import os

        from components.runtime.run_outcome import notification_of_run
        from components.runtime.webhook_address import webhook_url
        from gan.config import from_yaml
        from gan.steps.notify import notify as run

        notification = notification_of_run(store, name, status, os.environ)
        outcome = step.done(run(notification, from_yaml(config).retrain, webhook_url(os.environ)))
        artifacts.write_markdown(summary, artifacts.outcome_table(outcome))
    return outcome.id
