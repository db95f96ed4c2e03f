from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.main import main
from pipelines.compiled import compile_text
from pipelines.profiles.profile import load_profile
from support import kfp_api
from support.kfp_api import Api
from support.schedules_api import Kept

FILE = """
schedules:
- name: nightly
  pipeline: training
  config: digits
  profile: local
  image: gan@sha256:{digest}
  store: gs://bucket/prefix
  promote_as: digits
  cron: "{cron}"
  time_zone: UTC
"""


@lru_cache
def compiled(pipeline: str, image: str) -> str:
    return compile_text(pipeline, image, load_profile("local"))


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def api(kept: Kept, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Api]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipelines.kfp.submit.compile_text", lambda name, image, *_: compiled(name, image))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with kfp_api.serve() as served:
        kept.routes |= served.routes
        served.routes = kept.routes
        monkeypatch.setenv("KFP_HOST", served.url)
        yield served


def write(cron: str = "0 2 * * *", digest: str = "0" * 64, text: str = FILE) -> None:
    Path("schedules.yaml").write_text(text.format(cron=cron, digest=digest), encoding="utf-8")


def record_of(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> dict[str, Any]:
    """What a command of `schedule` prints with --json."""
    assert main(["schedule", *argv, "--json"]) == code
    text = capsys.readouterr().out
    return dict(json.loads(text)) if text else {}


def test_apply_makes_then_leaves_then_changes(api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert record_of(capsys, "diff", "schedules.yaml")["schedules"]["nightly"]["state"] == "new"
    assert not kept.schedules
    assert record_of(capsys, "apply", "schedules.yaml")["schedules"]["nightly"]["state"] == "made"
    ((first, made),) = kept.schedules.items()
    assert made["trigger"]["cron_schedule"]["cron"] == "0 0 2 * * *"
    assert (made["max_concurrency"], made["no_catchup"], made["status"]) == ("1", True, "ENABLED")
    assert made["service_account"] == "gan-run"
    assert made["runtime_config"]["parameters"]["name"] == "digits"
    assert record_of(capsys, "apply", "schedules.yaml")["schedules"]["nightly"] == {
        "state": "unchanged",
        "diff": "",
        "notes": [],
    }
    assert list(kept.schedules) == [first]
    write(cron="30 3 * * 1-5")
    differs = record_of(capsys, "diff", "schedules.yaml")["schedules"]["nightly"]
    assert differs["state"] == "differs"
    assert "-cron: 0 2 * * *\n+cron: 30 3 * * 1-5" in differs["diff"]
    assert record_of(capsys, "apply", "schedules.yaml")["schedules"]["nightly"]["state"] == "changed"
    ((second, changed),) = kept.schedules.items()
    assert second != first
    assert (changed["status"], changed["trigger"]["cron_schedule"]["cron"]) == ("ENABLED", "0 30 3 * * 1-5")


def test_a_run_that_goes_on_keeps_its_version(api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    write()
    record_of(capsys, "apply", "schedules.yaml")
    (first,) = kept.schedules
    run = kept.begin(first, "2026-11-23T02:00:00Z")
    write(digest="1" * 64)
    applied = record_of(capsys, "apply", "schedules.yaml")["schedules"]["nightly"]
    assert applied["state"] == "changed"
    assert applied["notes"] == [
        "a run of the version before is in progress; one that is due before it ends runs at the same time"
    ]
    assert [each["status"] for each in kept.schedules.values()] == ["DISABLED", "ENABLED"]
    (row,) = record_of(capsys, "list")["schedules"]
    assert (row["state"], row["last_state"], row["last_run"]) == ("on", "RUNNING", run["run_id"])
    assert row["note"] == "1 older version(s), until their runs end"
    run |= {"state": "FAILED", "state_history": [{"state": each} for each in ("CANCELING", "FAILED")]}
    (row,) = record_of(capsys, "list")["schedules"]
    assert row["last_state"] == "CANCELED", "as status tells it"
    run["state"] = "SUCCEEDED"
    record_of(capsys, "apply", "schedules.yaml")
    assert first not in kept.schedules
    assert len(kept.schedules) == 1


def test_pause_resume_run_now_delete(api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    write(cron="* * * * *")
    record_of(capsys, "apply", "schedules.yaml")
    (first,) = kept.schedules
    assert record_of(capsys, "pause", "nightly")["did"] == "paused"
    assert record_of(capsys, "pause", "nightly")["did"] == "paused already"
    (row,) = record_of(capsys, "list")["schedules"]
    assert (row["state"], row["next"], row["runs"]) == ("paused", None, kept.versions.popitem()[1]["description"])
    kept.schedules[first]["trigger"]["cron_schedule"]["start_time"] = "2026-11-20T00:00:00Z"  # much fell due since
    assert record_of(capsys, "resume", "nightly")["did"] == "resumed"
    ((second, resumed),) = kept.schedules.items()
    assert second != first
    assert resumed["status"] == "ENABLED"
    assert resumed["trigger"]["cron_schedule"]["start_time"] > "2026-11-20"
    assert record_of(capsys, "resume", "nightly")["did"] == "not paused"
    kept.begin(second, "2026-11-23T02:00:00Z")["recurring_run_id"] = first  # its pods went with that version
    run = record_of(capsys, "run-now", "nightly")["run"]
    assert kept.runs[0]["run_id"] == run
    assert kept.runs[0]["runtime_config"] == resumed["runtime_config"]
    record_of(capsys, "run-now", "nightly", code=19)
    assert record_of(capsys, "delete", "nightly")["did"] == "deleted"
    assert not kept.schedules


def test_a_backend_that_ignores_the_service_account_is_told_of(
    api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.account = "pipeline-runner"
    write()
    made = record_of(capsys, "apply", "schedules.yaml")["schedules"]["nightly"]
    (note,) = made["notes"]
    assert (made["state"], note[:42]) == ("made", "its runs are pipeline-runner, not gan-run:")
    assert "DEFAULTPIPELINERUNNERSERVICEACCOUNT=gan-run" in note
    assert main(["schedule", "apply", "schedules.yaml"]) == 0
    assert f"nightly: unchanged; {note}" in capsys.readouterr().out
    assert len(kept.schedules) == 1
    record_of(capsys, "run-now", "nightly")
    assert kept.runs[0]["service_account"] == "gan-run"


def test_delete_spares_a_run_that_goes_on(api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    write()
    record_of(capsys, "apply", "schedules.yaml")
    (first,) = kept.schedules
    run = kept.begin(first, "2026-11-23T02:00:00Z")
    assert main(["schedule", "delete", "nightly"]) == 19
    assert f"`gan-pipelines cancel {run['run_id']}`" in capsys.readouterr().err
    assert kept.schedules[first]["status"] == "DISABLED"
    run["state"] = "FAILED"
    assert main(["schedule", "delete", "nightly"]) == 0


def test_a_pause_that_broke_off_is_not_told_as_one(api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    """The copy that is to be off is there, and the version before it still on."""
    write()
    record_of(capsys, "apply", "schedules.yaml")
    (before,) = kept.schedules.values()
    mark = json.loads(before["description"].partition(": ")[2])
    after = {**before, "recurring_run_id": "copy", "status": "DISABLED", "mode": "DISABLE"}
    after["description"] = (
        before["description"].partition(": ")[0]
        + ": "
        + json.dumps({**mark, "generation": mark["generation"] + 1, "enable": False})
    )
    kept.schedules["copy"] = after
    (row,) = record_of(capsys, "list")["schedules"]
    assert row["state"] == "changing", row
    assert "a change was interrupted" in row["note"]


def test_what_is_not_in_the_file_is_told_and_left(api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    write()
    record_of(capsys, "apply", "schedules.yaml")
    kept.schedules["foreign"] = {"recurring_run_id": "foreign", "display_name": "foreign", "trigger": {}}
    write(text="schedules: []")
    assert record_of(capsys, "apply", "schedules.yaml")["not_in_file"] == ["nightly"]
    assert len(kept.schedules) == 2
    assert main(["schedule", "pause", "nightli"]) == 4
    assert 'did you mean "nightly"?' in capsys.readouterr().err


def test_the_time_zone_must_be_the_hosts(api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert main(["schedule", "apply", "schedules.yaml", "--controller-zone", "Europe/Berlin"]) == 2
    stderr = capsys.readouterr().err
    assert "the host reads every cron in Europe/Berlin (as --controller-zone says)" in stderr
    assert "CRON_SCHEDULE_TIMEZONE=UTC" in stderr
    assert not kept.schedules


def test_a_zone_that_is_only_assumed_is_no_fact(
    api: Api, kept: Kept, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    write(text=FILE.replace("time_zone: UTC", "time_zone: Europe/Berlin"))
    assert main(["schedule", "apply", "schedules.yaml"]) == 2
    told = capsys.readouterr().err
    assert "the host reads every cron in UTC (assumed, as we can't read it: no way to Kubernetes: " in told
    assert "give --controller-zone where it is another" in told


def test_nothing_is_changed_where_one_of_them_is_wrong(
    api: Api, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    write(text=FILE + FILE.partition("schedules:")[2].replace("nightly", "second").replace("digits\n", "digist\n", 1))
    assert main(["schedule", "apply", "schedules.yaml"]) == 4
    assert not kept.schedules


@pytest.mark.parametrize(
    ("now", "then", "code", "message"),
    [
        ("profile: local", "profile: lcal", 4, 'schedule nightly: unknown profile "lcal"'),
        ("config: digits", "config: digts", 4, 'schedule nightly: unknown config "digts"'),
        ("store: gs://bucket/prefix", "store: ./store", 2, "schedule nightly: store (--store) is /"),
        ("  image:", "  set: [train.step=1]\n  image:", 2, "schedule nightly: unknown"),
        ('cron: "{cron}"', 'cron: "61 * * * *"', 2, "schedule nightly: cron"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_of_its_schedule_before_a_host_is_asked(
    now: str, then: str, code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KFP_HOST", "http://127.0.0.1:9")
    assert now in FILE
    write(text=FILE.replace(now, then))
    for command in ("diff", "apply"):
        assert main(["schedule", command, "schedules.yaml"]) == code
        assert message in capsys.readouterr().err
