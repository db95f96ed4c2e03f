"""Retraining twice by a schedule that is due every minute: the first trains, the second finds nothing new."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import yaml

from gan.store import Store, alias
from pipelines.registry import PIPELINES
from pipelines.schedule.time_zone import controller_zone
from support.cluster import NAMESPACE, NARROW, Cluster, Told, until
from support.run_lifecycle import details
from support.webhook import webhook


@dataclass(frozen=True)
class Nights:
    """A schedule whose file was applied twice and compared; its first two runs, and what the webhook was told."""

    name: str
    applied: list[Told]
    difference: Told
    first: Told
    second: Told
    messages: list[str]


@pytest.fixture(scope="module")
def nights(cluster: Cluster, shared_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    name = f"nights-{secrets.token_hex(3)}"
    folder = tmp_path_factory.mktemp("schedules")
    with webhook(cluster, f"gan-test-{name}") as told:
        (folder / "quiet.yaml").write_text(f"extends: local\nnotify_secret: {told.secret}\n")
        file = folder / "schedules.yaml"
        file.write_text(schedule(name, cluster, shared_store))
        try:
            applied = [cluster.command("schedule", "apply", str(file)) for _ in range(2)]
            difference = cluster.command("schedule", "diff", str(file))
            first = cluster.wait(last_run(cluster, name, but=""))
            second_run = last_run(cluster, name, but=first.record["id"])
            cluster.command("schedule", "pause", name)
            second = cluster.wait(second_run)
            yield Nights(name, applied, difference, first, second, told.messages())
        finally:
            cluster.command("schedule", "pause", name, check=False)
            going_on = last_run(cluster, name, but="", seconds=1)
            cluster.command("cancel", going_on, check=False)
            cluster.command("schedule", "delete", name)


def schedule(name: str, cluster: Cluster, store: str) -> str:
    """A file with one schedule of the retraining pipeline, on small digits with a seed that no other run has."""
    one = {
        "name": name,
        "pipeline": "retraining",
        "config": "digits",
        "set": [*NARROW, "train.seed=11"],
        "profile": "quiet.yaml",
        "image": cluster.image,
        "allow_tag": True,
        "store": store,
        "promote_as": name,
        "cron": "* * * * *",
        "time_zone": controller_zone(NAMESPACE, None).name,
    }
    return yaml.safe_dump({"schedules": [one]})


def last_run(cluster: Cluster, name: str, *, but: str, seconds: float = 300) -> str:
    """The last run of a schedule, as soon as there is one other than `but`."""

    def look() -> str | None:
        rows = cluster.command("schedule", "list").record["schedules"]
        run = next((row["last_run"] for row in rows if row["name"] == name), None)
        return str(run) if run and run != but else None

    return until(look, seconds=seconds, what=f"a run of schedule {name} besides {but or 'none'}")


def test_applying_again_changes_nothing(nights: Nights) -> None:
    made, again = (told.record["schedules"][nights.name]["state"] for told in nights.applied)
    assert (made, again) == ("made", "unchanged")
    assert nights.difference.record["schedules"][nights.name] == {"state": "unchanged", "diff": "", "notes": []}


def test_the_first_night_trains_and_promotes(nights: Nights) -> None:
    assert nights.first.exit_code == 0, nights.first.stdout + nights.first.stderr
    steps = {each["step"]: each["state"] for each in nights.first.record["steps"]}
    assert set(steps) == set(PIPELINES["retraining"].steps)
    assert steps["train"] == steps["promote"] == steps["notify"] == "done", steps
    decided = details(nights.first.record, "decide")
    assert (decided["train"], decided["reasons"]) == (True, [f"nothing is live under {nights.name}"])


def test_the_second_night_has_nothing_new_and_status_says_why(nights: Nights) -> None:
    assert nights.second.exit_code == 0, nights.second.stdout + nights.second.stderr
    decided = details(nights.second.record, "decide")
    assert not decided["train"]
    assert decided["reasons"]
    steps = {each["step"]: each["state"] for each in nights.second.record["steps"]}
    assert steps["preprocess"] == "in the store already"
    assert steps["notify"] == "done"
    assert not {"train", "export", "promote"} & {name for name, state in steps.items() if state != "skipped"}, steps


def test_only_the_first_night_moved_the_pointer(
    nights: Nights, shared_store: str, open_here: Callable[[str], Store]
) -> None:
    live = alias.read_live(open_here(shared_store), nights.name)
    assert [move.generator_id for move in live.history] == [details(nights.first.record, "promote")["live"]]


def test_one_at_a_time(nights: Nights) -> None:
    ended = max(one["ended_at"] for each in nights.first.record["steps"] for one in each["attempts"])
    assert ended[:19] <= nights.second.record["created_at"][:19]


def test_the_webhook_gets_a_message_about_both(nights: Nights) -> None:
    trained, nothing = nights.messages
    assert details(nights.first.record, "promote")["live"] in trained
    assert "othing new" in nothing
    assert {nights.name in message for message in nights.messages} == {True}


def test_status_describes_a_run_of_a_schedule(nights: Nights) -> None:
    assert nights.first.record["about"].startswith("pipeline retraining, profile quiet, image ")
