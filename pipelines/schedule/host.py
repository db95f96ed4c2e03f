"""Schedules on the backend, as recurring runs, which can be created, enabled, disabled and deleted, but not changed."""

from __future__ import annotations

import datetime as dt
import time
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
from pipelines.schedule.version import Plan, ScheduledRun, ScheduleVersion, run_of, version_of


class Host:
    """The schedules of a backend."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._schedules = connection.schedules

    def now(self) -> dt.datetime:
        """The time."""
        return dt.datetime.now(dt.UTC)

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        time.sleep(seconds)

    def versions(self, name: str | None = None) -> list[ScheduleVersion]:
        """Every version of a schedule, or of all, by name and generation."""
        named: dict[str, Any] = {"filter": equals("display_name", name)} if name else {}
        found = [
            version
            for page in pages(self._connection, self._schedules.recurring_run_service_list_recurring_runs, **named)
            for version in map(version_of, page.recurring_runs or [])
            if version is not None and name in (None, version.name)
        ]
        return sorted(found, key=lambda each: (each.name, each.info.generation, each.found.created_at, each.id))

    def runs(self, name: str) -> list[ScheduledRun]:
        """The last hundred runs of a schedule, newest first."""
        found = pages(
            self._connection,
            self._connection.runs.run_service_list_runs,
            experiment_id=self._experiment(name),
            sort_by="created_at desc",
        )
        return [run_of(each) for each in next(found).runs or []]

    def state_of(self, run: ScheduledRun) -> str:
        """The true state of a run; see `pipelines.kfp.runs.with_true_state`."""
        return str(runs.get(self._connection, run.id).state)

    def about(self, version: ScheduleVersion) -> str:
        """The description that the pipeline of a version was uploaded with."""
        return description_of(self._connection, version.found.pipeline_version_reference)

    def create(
        self, plan: Plan, generation: int, start_time: dt.datetime, *, idle: bool, enable: bool
    ) -> ScheduleVersion:
        """Create a version from a plan.

        Args:
            plan: its job and cron.
            generation: one more than that of the previous version.
            start_time: the first due time is after this.
            idle: create it disabled, to be enabled once older versions are disabled.
            enable: whether it should be enabled in the end.
        """
        job = plan.job
        version = upload(self._connection, job.pipeline, job.text, job.about)
        body = api.V2beta1RecurringRun(
            display_name=plan.name,
            description=plan.version_info(generation=generation, enable=enable).text(),
            pipeline_version_reference=api.V2beta1PipelineVersionReference(
                pipeline_id=version.pipeline_id, pipeline_version_id=version.version_id
            ),
            runtime_config=api.V2beta1RuntimeConfig(parameters=job.parameters),
            service_account=job.profile.service_account,
            experiment_id=self._experiment(plan.name),
        )
        return self._create(body, plan.due, start_time, on=enable and not idle)

    def copy(self, version: ScheduleVersion, start_time: dt.datetime, *, enable: bool) -> ScheduleVersion:
        """A further version with the same job and cron, created disabled."""
        found = version.found
        info = replace(version.info, generation=version.info.generation + 1, enable=enable)
        body = api.V2beta1RecurringRun(
            display_name=found.display_name,
            description=info.text(),
            pipeline_version_reference=found.pipeline_version_reference,
            runtime_config=found.runtime_config,
            service_account=version.info.account,
            experiment_id=found.experiment_id,
        )
        return self._create(body, version.due, start_time, on=False)

    def switch(self, version: ScheduleVersion, *, on: bool) -> None:
        """Enable or disable a version."""
        service = self._schedules
        method = service.recurring_run_service_enable_recurring_run
        if not on:
            method = service.recurring_run_service_disable_recurring_run
        self._connection.call(method, version.id)

    def delete(self, version: ScheduleVersion) -> None:
        """Delete a version. Kubernetes then deletes the pods of its runs, also of unfinished ones."""
        self._connection.call(self._schedules.recurring_run_service_delete_recurring_run, version.id)

    def run(self, version: ScheduleVersion, name: str) -> str:
        """Start a run of a version's job, and return its id."""
        found = version.found
        body = api.V2beta1Run(
            display_name=name,
            description=f"Begun by `gan-pipelines schedule run-now {version.name}`.",
            pipeline_version_reference=found.pipeline_version_reference,
            runtime_config=found.runtime_config,
            service_account=version.info.account,
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
            created = [each for each in self.versions(body.display_name) if each.found.description == body.description]
            if not created:
                raise
            found = created[-1]
        if found is None:
            raise ClusterError(
                f'{self._connection.host} created the recurring run "{body.display_name}" without its '
                "description; delete it in the UI, and upgrade the backend"
            )
        return found

    def _experiment(self, name: str) -> str:
        return experiment(self._connection, f"schedule-{name}")
