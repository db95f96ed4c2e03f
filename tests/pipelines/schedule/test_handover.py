"""Changes of a schedule beside a model of Kubeflow's controller, at every second of a minute and cut off anywhere.

The model does what the controller's source does: it looks every 30 seconds, begins the latest moment that is due, one
run at a time, and what it began is seen by others a little later. `tests/cluster` tries the same on the real one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from pipelines.kfp.submit import PreparedRun
from pipelines.profiles.profile import Profile
from pipelines.schedule.cron import Cron
from pipelines.schedule.handover import complete_handover, renew, replace
from pipelines.schedule.version import Plan, ScheduledRun, ScheduleVersion, VersionInfo

BEGIN = dt.datetime(2026, 11, 23, 12, 0, 0, tzinfo=dt.UTC)
EVERY_MINUTE = Cron("* * * * *", "UTC")
SECONDS_OF_A_CALL = 1
SECONDS_TO_REPORT = 3


def plan(what: str, due: Cron = EVERY_MINUTE) -> Plan:
    return Plan("nightly", due, PreparedRun("training", "gan@sha256:0", Profile("local"), what, {}))


class CutOffError(Exception):
    """The client is gone in the middle of its work."""


@dataclass
class Began:
    """A run in the model."""

    id: str
    version: str
    tick: dt.datetime
    at: dt.datetime
    killed: bool = False


class World:
    """A backend with its controller; time passes with every call."""

    def __init__(self, *, run_seconds: int = 20, phase: int = 0) -> None:
        self.time = BEGIN
        self.began: list[Began] = []
        self.cut_off_after: int | None = None
        self.down = False
        self._kept: dict[str, ScheduleVersion] = {}
        self._run_seconds = run_seconds
        self._phase = phase
        self._ids: Iterator[int] = iter(range(1, 1000))

    def sleep(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.time += dt.timedelta(seconds=1)
            if not self.down and (int(self.time.timestamp()) + self._phase) % 30 == 0:
                for version in self._kept.values():
                    self._look_at(version)
            on = [version.id for version in self._kept.values() if version.enabled]
            assert len(on) < 2, "two versions are on"

    def _look_at(self, version: ScheduleVersion) -> None:
        ticks = [run.tick for run in self.began if run.version == version.id]
        tick = version.due.last(max([version.start_time, *ticks]), self.time)
        if version.enabled and tick is not None and not self._going_on(version.id):
            self.began.append(Began(f"run-{next(self._ids)}", version.id, tick, self.time))

    def _going_on(self, version: str) -> bool:
        longest = dt.timedelta(seconds=self._run_seconds)
        return any(run.version == version and self.time - run.at < longest for run in self.began)

    def _call(self) -> None:
        self.sleep(SECONDS_OF_A_CALL)
        if self.cut_off_after is not None:
            if self.cut_off_after == 0:
                raise CutOffError
            self.cut_off_after -= 1

    def now(self) -> dt.datetime:
        return self.time

    def versions(self, name: str | None = None) -> list[ScheduleVersion]:
        self._call()
        return sorted(self._kept.values(), key=lambda version: version.info.generation)

    def runs(self, name: str) -> list[ScheduledRun]:
        self._call()
        longest = dt.timedelta(seconds=self._run_seconds)
        return [
            ScheduledRun(
                run.id, run.id, "RUNNING" if self.time - run.at < longest else "SUCCEEDED", run.tick, run.version
            )
            for run in reversed(self.began)
            if self.time - run.at >= dt.timedelta(seconds=SECONDS_TO_REPORT)
        ]

    def create(
        self, plan: Plan, generation: int, start_time: dt.datetime, *, idle: bool, enable: bool
    ) -> ScheduleVersion:
        return self._add(
            plan.version_info(generation=generation, enable=enable), plan.due.text, start_time, on=enable and not idle
        )

    def copy(self, version: ScheduleVersion, start_time: dt.datetime, *, enable: bool) -> ScheduleVersion:
        info = dataclasses.replace(version.info, generation=version.info.generation + 1, enable=enable)
        return self._add(info, version.cron, start_time, on=False)

    def _add(self, info: VersionInfo, cron: str, start_time: dt.datetime, *, on: bool) -> ScheduleVersion:
        made = ScheduleVersion(
            f"v{next(self._ids)}", "nightly", info, cron, on, start_time, SimpleNamespace(created_at=self.time)
        )
        self._kept[made.id] = made
        self._call()
        return made

    def switch(self, version: ScheduleVersion, *, on: bool) -> None:
        self._kept[version.id] = dataclasses.replace(self._kept[version.id], enabled=on)
        self._call()

    def delete(self, version: ScheduleVersion) -> None:
        for run in self.began:
            run.killed |= run.version == version.id and self._going_on(version.id)
        del self._kept[version.id]
        self._call()

    def ticks(self) -> list[dt.datetime]:
        return [run.tick for run in self.began]


def minutes(first: int, last: int) -> list[dt.datetime]:
    return [BEGIN + dt.timedelta(minutes=minute) for minute in range(first, last + 1)]


@pytest.mark.parametrize("second", range(0, 60, 5))
@pytest.mark.parametrize("phase", [0, 13])
def test_no_run_is_missed_and_none_comes_twice(second: int, phase: int) -> None:
    world = World(phase=phase)
    replace(world, plan("old"))
    world.sleep(120 + second)
    made = replace(world, plan("new"))
    world.sleep(600 - (world.time - BEGIN).seconds)
    assert world.ticks() == minutes(1, len(world.began))
    assert len(world.began) >= 9
    assert made.enabled
    assert [version.id for version in complete_handover(world, "nightly")] == [made.id]
    assert world.began[-1].version == made.id
    assert not any(run.killed for run in world.began)


@pytest.mark.parametrize("calls", range(16))
@pytest.mark.parametrize("second", [3, 31, 52])
def test_a_change_that_is_cut_off_is_completed_by_the_next(calls: int, second: int) -> None:
    world = World()
    replace(world, plan("old"))
    world.sleep(120 + second)
    world.cut_off_after = calls
    try:
        replace(world, plan("new"))
    except CutOffError:
        world.sleep(20)
    world.cut_off_after = None
    made = complete_handover(world, "nightly")[-1]
    if made.info.content != plan("new").version_info(generation=1, enable=True).content:
        made = replace(world, plan("new"))
    world.sleep(700 - (world.time - BEGIN).seconds)
    assert made.enabled
    assert world.ticks() == minutes(1, len(world.began))
    assert len(world.began) >= 10
    assert not any(run.killed for run in world.began)
    assert complete_handover(world, "nightly") == [made]


def test_a_run_that_goes_on_keeps_the_version_that_began_it() -> None:
    world = World(run_seconds=300)
    replace(world, plan("old"))
    world.sleep(100)
    made = replace(world, plan("new"))
    old, new = world.versions()
    assert (old.enabled, new.enabled, new.id) == (False, True, made.id)
    world.sleep(300)
    assert complete_handover(world, "nightly") == [new]
    assert not any(run.killed for run in world.began)
    assert len(set(world.ticks())) == len(world.ticks())


def test_another_time_begins_nothing_for_the_past() -> None:
    world = World()
    replace(world, plan("old", Cron("0 11 * * *", "UTC")))
    world.sleep(60)
    replace(world, plan("old", Cron("30 11 * * *", "UTC")))
    world.sleep(600)
    assert world.ticks() == []


def test_a_paused_schedule_stays_paused_when_it_is_changed() -> None:
    world = World()
    made = replace(world, plan("old"))
    world.switch(made, on=False)
    world.sleep(300)
    changed = replace(world, plan("new"))
    world.sleep(300)
    assert not changed.enabled
    assert world.ticks() == []
    assert complete_handover(world, "nightly") == [changed]
    resumed = renew(world, changed, enable=True)
    since = world.time
    world.sleep(180)
    assert resumed.enabled
    assert world.ticks()
    assert all(tick > since for tick in world.ticks())


def test_a_dead_controller_is_reported_and_not_waited_for_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    made = replace(world, plan("old"))
    world.down = True
    world.sleep(90)
    changed = replace(world, plan("new"))
    assert changed.enabled
    assert changed.start_time == made.start_time
    assert "ml-pipeline-scheduledworkflow" in capsys.readouterr().err
