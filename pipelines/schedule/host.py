"""Schedules on the backend, where each is a recurring run: made, switched on and off and deleted, but never changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import kfp_server_api as api

from gan.errors import ClusterError
from pipelines.kfp import runs
from pipelines.kfp.api_errors import UnsureError
from pipelines.kfp.connection import Connection
from pipelines.kfp.pagination import pages
from pipelines.kfp.upload import description_of, equals, experiment, upload
from pipelines.schedule.cron import Cron
from pipelines.schedule.plan import Plan
from pipelines.schedule.version import ScheduledRun, ScheduleVersion, run_of, version_of


class Host:
    """The schedules that a backend holds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._schedules = connection.schedules

    def now(self) -> dt.datetime:
        """The time."""
        return dt.datetime.now(dt.UTC)

    def versions(self, name: str | None = None) -> list[ScheduleVersion]:
        """Every version of a schedule, or of all, in order of their names and generations."""
        named: dict[str, Any] = {"filter": equals("display_name", name)} if name else {}
        found = [
            version
            for page in pages(self._connection, self._schedules.recurring_run_service_list_recurring_runs, **named)
            for version in map(version_of, page.recurring_runs or [])
            if version is not None and name in (None, version.name)
        ]
        return sorted(found, key=lambda each: (each.name, each.mark.generation, each.found.created_at, each.id))

    def runs(self, name: str) -> list[ScheduledRun]:
        """The last hundred runs of a schedule, the last one first."""
        found = pages(
            self._connection,
            self._connection.runs.run_service_list_runs,
            experiment_id=self._experiment(name),
            sort_by="created_at desc",
        )
        return [run_of(each) for each in next(found).runs or []]

    def state_of(self, run: ScheduledRun) -> str:
        """The state that a run is really in; see `pipelines.kfp.runs.with_true_state`."""
        return str(runs.get(self._connection, run.id).state)

    def about(self, version: ScheduleVersion) -> str:
        """What the runs of a version are, in the words that its pipeline was uploaded with."""
        return description_of(self._connection, version.found.pipeline_version_reference)

    def create(
        self, plan: Plan, generation: int, start_time: dt.datetime, *, idle: bool, enable: bool
    ) -> ScheduleVersion:
        """Put a plan on the host as a new version.

        Args:
            plan: what it does.
            generation: one more than that of the version before.
            start_time: it is due for the first time after this.
            idle: make it switched off, to be switched on when the versions before it are out of the way.
            enable: whether it is to be on in the end.
        """
        job = plan.job
        version = upload(self._connection, job.pipeline, job.text, job.about)
        body = api.V2beta1RecurringRun(
            display_name=plan.name,
            description=plan.mark(generation=generation, enable=enable).text(),
            pipeline_version_reference=api.V2beta1PipelineVersionReference(
                pipeline_id=version.pipeline_id, pipeline_version_id=version.version_id
            ),
            runtime_config=api.V2beta1RuntimeConfig(parameters=job.parameters),
            service_account=job.profile.service_account,
            experiment_id=self._experiment(plan.name),
        )
        return self._create(body, plan.due, start_time, on=enable and not idle)

    def copy(self, version: ScheduleVersion, start_time: dt.datetime, *, enable: bool) -> ScheduleVersion:
        """A further version that does what `version` does; it is made switched off."""
        found = version.found
        mark = replace(version.mark, generation=version.mark.generation + 1, enable=enable)
        body = api.V2beta1RecurringRun(
            display_name=found.display_name,
            description=mark.text(),
            pipeline_version_reference=found.pipeline_version_reference,
            runtime_config=found.runtime_config,
            service_account=version.mark.account,
            experiment_id=found.experiment_id,
        )
        return self._create(body, version.due, start_time, on=False)

    def switch(self, version: ScheduleVersion, *, on: bool) -> None:
        """Let a version begin runs, or not."""
        service = self._schedules
        method = service.recurring_run_service_enable_recurring_run
        if not on:
            method = service.recurring_run_service_disable_recurring_run
        self._connection.call(method, version.id)

    def delete(self, version: ScheduleVersion) -> None:
        """Take a version away. Kubernetes then deletes the pods of its runs, of those that go on too."""
        self._connection.call(self._schedules.recurring_run_service_delete_recurring_run, version.id)

    def run(self, version: ScheduleVersion, name: str) -> str:
        """Begin a run of what a version does, and give its id."""
        found = version.found
        body = api.V2beta1Run(
            display_name=name,
            description=f"Begun by `gan-pipelines schedule run-now {version.name}`.",
            pipeline_version_reference=found.pipeline_version_reference,
            runtime_config=found.runtime_config,
            service_account=version.mark.account,
            experiment_id=found.experiment_id,
        )
        return str(runs.create(self._connection, body).run_id)

    def _create(self, body: Any, due: Cron, start_time: dt.datetime, *, on: bool) -> ScheduleVersion:
        mode = api.RecurringRunMode.ENABLE if on else api.RecurringRunMode.DISABLE
        body.mode, body.max_concurrency, body.no_catchup = mode, "1", True
        body.namespace = self._connection.api_namespace
        body.trigger = api.V2beta1Trigger(
            cron_schedule=api.V2beta1CronSchedule(cron=due.for_kubeflow, start_time=start_time)
        )
        method = self._schedules.recurring_run_service_create_recurring_run
        try:
            found = version_of(self._connection.call(method, body, repeatable=False))
        except UnsureError:
            alike = [each for each in self.versions(body.display_name) if each.found.description == body.description]
            if not alike:
                raise
            found = alike[-1]
        if found is None:
            raise ClusterError(
                f'{self._connection.host} made the recurring run "{body.display_name}" without the description it was '
                "given; delete that in its UI, and upgrade the backend"
            )
        return found

    def _experiment(self, name: str) -> str:
        return experiment(self._connection, f"schedule-{name}")
