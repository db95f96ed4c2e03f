from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.client.address import Address
from pipelines.client.cluster import reach
from pipelines.client.connection import connect
from pipelines.client.logs import followed
from pipelines.main import main
from support import kfp_api
from support import kfp_runs as r
from support.kfp_api import Api, Said

POD = r.PODS + "/pod-1"
LOG = POD + "/log"
RUNNING = r.container(running={"startedAt": r.BEGAN})
FIRST = "2026-11-23T22:12:45.1Z one\n2026-11-23T22:12:45.2Z two ü\n"
SECOND = FIRST + "2026-11-23T22:12:46.1Z three\n"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with kfp_api.serve(r.routes("RUNNING", r.workflow(), r.pod("train", "Running", **RUNNING))) as served:
        served.routes[POD] = Said(r.pod("train", "Running", **RUNNING))
        served.routes[LOG] = printed(FIRST)
        monkeypatch.setenv("KFP_HOST", served.url)
        monkeypatch.setenv("KUBECONFIG", str(r.kubeconfig(served, tmp_path)))
        yield served


def printed(text: str) -> Said:
    return Said(text.encode(), kind="text/plain")


def test_what_a_step_printed(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 0
    assert capsys.readouterr().out == "one\ntwo ü\n"
    assert api.of(LOG)[0].query["container"] == ["main"]
    assert main(["logs", r.RUN_ID, "--step", "train", "--json"]) == 0
    assert '"lines": 2' in capsys.readouterr().out
    assert main(["logs", r.RUN_ID, "--step", "trainn"]) == 2
    assert 'unknown step "trainn"; did you mean "train"?' in capsys.readouterr().err
    assert main(["logs", r.RUN_ID, "--step", "gate"]) == 4
    assert "gate of the run" in capsys.readouterr().err


def test_a_pod_that_has_not_begun_has_printed_nothing(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[POD] = Said(r.pod("train", "Pending"))
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "the pod pod-1 has printed nothing yet: it is being made" in told.err


def test_who_may_not_ask_kueue_why_a_pod_waits_is_told_so(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[POD] = Said(r.pod("train", "Pending", **r.unplaced("SchedulingGated", "gated")))
    api.routes["GET /apis/kueue.x-k8s.io/v1beta2/namespaces/kubeflow/workloads"] = kfp_api.error(403, "no right")
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 0
    assert "held back by Kueue: its workload is not seen: " in capsys.readouterr().err


def test_following_tells_once_why_a_pod_does_not_begin(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    missing = r.container(waiting={"reason": "ErrImagePull", "message": "no such image"})
    api.routes[POD] = Said(r.pod("train", "Pending", **missing))
    api.routes[r.RUN] = [r.run("RUNNING"), r.run("RUNNING"), r.run("FAILED")]
    with connect(Address(api.url)) as connection:
        assert list(followed(connection, reach("kubeflow"), r.RUN_ID, "train", sleep=lambda seconds: None)) == []
    assert capsys.readouterr().err.count("ErrImagePull: no such image; look whether the image is there") == 1


def test_each_line_is_told_once_however_often_the_connection_breaks(api: Api) -> None:
    api.routes[LOG] = [printed(FIRST), kfp_api.error(503, "restarting"), printed(SECOND)]
    api.routes[r.RUN] = [r.run("RUNNING"), r.run("RUNNING"), r.run("RUNNING"), r.run("SUCCEEDED")]
    with connect(Address(api.url)) as connection:
        told = list(followed(connection, reach("kubeflow"), r.RUN_ID, "train", sleep=lambda seconds: None))
    assert told == ["one", "two ü", "three"]


def test_following_ends_with_the_step(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[POD] = [Said(r.pod("train", "Running", **RUNNING)), Said(r.pod("train", "Succeeded", **RUNNING))]
    assert main(["logs", r.RUN_ID, "--step", "train", "--follow"]) == 0
    assert capsys.readouterr().out == "one\ntwo ü\n"


def test_following_a_step_that_never_came(api: Api) -> None:
    api.routes[r.RUN] = r.run("SUCCEEDED")
    assert main(["logs", r.RUN_ID, "--step", "promote", "-f"]) == 4


def test_without_kubernetes_there_are_no_logs(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 16
    assert "logs are read from pods" in capsys.readouterr().err


def test_following_what_may_not_be_read_is_told_at_once(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[LOG] = Said({"kind": "Status", "message": 'pods "pod-1" is forbidden'}, 403)
    assert main(["logs", r.RUN_ID, "--step", "train", "--follow"]) == 16
    assert 'forbids it: pods "pod-1" is forbidden; ask for that right' in capsys.readouterr().err
