"""The end of every pipeline that makes a generator: it is promoted if the gate passed it."""

from typing import Any

from kfp import dsl

from pipelines.dags.tasks import Tasks


def promote_if_passed(tasks: Tasks) -> Any:
    """A pipeline for use as one task: it promotes a generator if it passed, else does nothing.

    A task can wait for a pipeline with a condition inside, but not for a task inside a condition, and the report waits
    for the promotion or its omission.
    """

    @dsl.pipeline(name="release", description="Promote a generator if the gate passed it.")  # type: ignore[untyped-decorator]
    def pipeline(store: str, name: str, generator_id: str, passed: bool) -> None:
        with dsl.If(passed == True, name="passed"):  # noqa: E712
            tasks("promote", store=store, name=name, generator_id=generator_id)

    return pipeline
