"""A schedule that is due every minute is changed in place: each minute is answered once, by what holds just then.

Its runs are short: their images are nowhere, and the first step says so.
"""

from __future__ import annotations

import datetime as dt
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.kfp import runs
from pipelines.kfp.connection import Connection, connect
from pipelines.kfp.endpoint import Address
from pipelines.schedule.host import Host
from pipelines.schedule.time_zone import controller_zone
from pipelines.schedule.version import ScheduledRun
from support.cluster import NAMESPACE, NARROW, Cluster, Told, until

MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Ticking:
    """A schedule on the host, and the file that it came from."""

    cluster: Cluster
    connection: Connection
    name: str
    file: Path
    store: str

    def write(self, seed: int) -> None:
        one = {
            "name": self.name,
            "pipeline": "training",
            "config": "digits",
            "set": [*NARROW, "data.dataset=folder", "data.source=s3://gan/tests/nowhere", f"train.seed={seed}"],
            "profile": "quick.yaml",
            "image": self.cluster.image,
            "allow_tag": True,
            "store": self.store,
            "cron": "* * * * *",
            "time_zone": controller_zone(NAMESPACE, None).name,
        }
        self.file.write_text(yaml.safe_dump({"schedules": [one]}))

    def schedule(self, *command: str, check: bool = True) -> Told:
        return self.cluster.command("schedule", *command, check=check)

    def runs(self) -> list[ScheduledRun]:
        """Its runs, the first one first."""
        return Host(self.connection).runs(self.name)[::-1]

    def found(self, run: ScheduledRun) -> Any:
        return runs.get(self.connection, run.id)

    def seed(self, run: ScheduledRun) -> int:
        return int(yaml.safe_load(self.found(run).runtime_config.parameters["config"])["train"]["seed"])

    def until_runs(self, count: int, seconds: float = 300) -> list[ScheduledRun]:
        return until(
            lambda: found if len(found := self.runs()) >= count else None,
            seconds=seconds,
            what=f"{count} runs of {self.name}",
        )


@pytest.fixture(scope="module")
def ticking(cluster: Cluster, shared_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ticking]:
    folder = tmp_path_factory.mktemp("ticking")
    (folder / "quick.yaml").write_text("extends: local\ndefault: {retries: 0}\n")
    name = f"ticking-{secrets.token_hex(3)}"
    with connect(Address(cluster.host, NAMESPACE)) as connection:
        made = Ticking(cluster, connection, name, folder / "schedules.yaml", shared_store)
        made.write(seed=1)
        made.schedule("apply", str(made.file))
        try:
            yield made
        finally:
            made.schedule("pause", name, check=False)
            for run in made.runs():
                if run.unfinished:
                    cluster.cancel(run.id)
            made.schedule("delete", name)


def test_a_change_is_made_in_place(ticking: Ticking) -> None:
    ticking.until_runs(1)
    ticking.write(seed=2)
    changed = ticking.schedule("apply", str(ticking.file)).record["schedules"][ticking.name]
    assert changed["state"] == "changed"
    assert "-" in changed["diff"]
    before = len(ticking.runs())
    found = ticking.until_runs(before + 2)
    seeds = [ticking.seed(run) for run in found]
    assert seeds == sorted(seeds), "nothing of the old version began after the new one"
    assert set(seeds) == {1, 2}
    assert ticking.schedule("apply", str(ticking.file)).record["schedules"][ticking.name]["state"] == "unchanged"
    moments = [run.scheduled_at for run in found]
    assert len({*moments}) == len(moments), "no minute was answered twice"
    for before_it, following in itertools.pairwise(found):
        gap = following.scheduled_at - before_it.scheduled_at
        if gap > MINUTE:  # a minute may only be passed over while the run before went on
            assert ticking.found(before_it).finished_at > following.scheduled_at - MINUTE, (before_it, following)


def test_pause_run_now_resume(ticking: Ticking) -> None:
    assert ticking.schedule("pause", ticking.name).record["did"] == "paused"
    last = ticking.until_runs(1)[-1]
    until(lambda: ticking.found(last).state in runs.ENDED, seconds=300, what=f"{last.id} ends")
    there = len(ticking.runs())
    begun = ticking.schedule("run-now", ticking.name).record["run"]
    assert ticking.cluster.wait(begun).record["error"].startswith("preprocess: no such file or folder")
    assert len(ticking.runs()) == there + 1, "nothing began by itself"
    resumed = dt.datetime.now(dt.UTC)
    assert ticking.schedule("resume", ticking.name).record["did"] == "resumed"
    following = ticking.until_runs(there + 2)[-1]
    assert following.scheduled_at > resumed - MINUTE, "nothing of the pause is made up for"
    (row,) = [each for each in ticking.schedule("list").record["schedules"] if each["name"] == ticking.name]
    assert row["state"] == "on"
    assert ticking.seed(following) == 2
