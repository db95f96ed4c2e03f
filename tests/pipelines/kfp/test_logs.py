from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.kubernetes.connect import open_cluster
from components.registry import STEPS
from gan.config.sweep import Sweep
from gan.errors import ClusterError
from pipelines.cli.main import main
from pipelines.compiled import compile_text
from pipelines.kfp.connection import connect
from pipelines.kfp.endpoint import Address
from pipelines.kfp.logs import followed
from pipelines.profiles.profile import load_profile
from support import kfp_api
from support import kfp_runs as r
from support.clock import Clock
from support.kfp_api import Api, Said

POD = r.PODS + "/pod-1"
LOG = POD + "/log"
RUNNING = r.container(running={"startedAt": r.BEGAN})
DONE = r.container(terminated={"exitCode": 0})
FIRST = "2026-11-23T22:12:45.1Z one\n2026-11-23T22:12:45.2Z two ü\n"
SECOND = FIRST + "2026-11-23T22:12:46.1Z three\n"
THIRD = "2026-11-23T22:12:47.1Z another\n"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with kfp_api.serve(r.routes("RUNNING", r.workflow(), r.pod("train", "Running", **RUNNING))) as served:
        served.routes[POD] = Said(r.pod("train", "Running", **RUNNING))
        served.routes[LOG] = printed(FIRST)
        monkeypatch.setenv("KFP_HOST", served.url)
        monkeypatch.setenv("KUBECONFIG", str(r.kubeconfig(served, tmp_path)))
        yield served


def broken(text: str) -> Said:
    """A log that comes in pieces, and whose connection ends between two of them."""
    piece = text.encode()
    headers = {"Transfer-Encoding": "chunked", "Connection": "close"}
    return Said(b"%x\r\n%b\r\n" % (len(piece), piece), kind="text/plain", headers=headers)


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


def test_an_attempt_whose_node_does_not_answer_hides_none_after_it(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (r.pod("train", "Running", name=f"pod-{n}", **RUNNING) for n in (0, 1))
    api.routes[r.PODS] = r.items(first, second)
    api.routes[POD.replace("pod-1", "pod-0")] = Said(first)
    api.routes[LOG.replace("pod-1", "pod-0")] = kfp_api.error(500, "the node's kubelet does not answer")
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 0
    output = capsys.readouterr()
    assert output.out == "one\ntwo ü\n"
    assert "what pod-0 printed is not shown" in output.err
    api.routes[r.RUN] = [r.run("RUNNING"), r.run("RUNNING"), r.run("RUNNING"), r.run("SUCCEEDED")]
    with connect(Address(api.url)) as connection:
        shown = list(followed(connection, open_cluster("kubeflow"), r.RUN_ID, "train", sleep=lambda seconds: None))
    assert shown == ["one", "two ü"]
    assert capsys.readouterr().err.count("what pod-0 printed is not shown") == 1
    api.routes[LOG] = kfp_api.error(500, "the node's kubelet does not answer")
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 16


def test_a_pod_that_has_not_begun_has_printed_nothing(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[POD] = Said(r.pod("train", "Pending"))
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "the pod pod-1 has printed nothing yet: it is being made" in output.err


def test_a_missing_permission_to_ask_kueue_is_reported(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[POD] = Said(r.pod("train", "Pending", **r.unplaced("SchedulingGated", "gated")))
    api.routes["GET /apis/kueue.x-k8s.io/v1beta2/namespaces/kubeflow/workloads"] = kfp_api.error(403, "no right")
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 0
    assert "held back by Kueue: can't see its workload: " in capsys.readouterr().err


def test_following_says_once_why_a_pod_does_not_start(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    missing = r.container(waiting={"reason": "ErrImagePull", "message": "no such image"})
    api.routes[POD] = Said(r.pod("train", "Pending", **missing))
    api.routes[r.RUN] = [r.run("RUNNING"), r.run("RUNNING"), r.run("FAILED")]
    with connect(Address(api.url)) as connection:
        assert list(followed(connection, open_cluster("kubeflow"), r.RUN_ID, "train", sleep=lambda seconds: None)) == []
    assert capsys.readouterr().err.count("ErrImagePull: no such image; check that the image exists") == 1


def test_each_line_is_given_once_however_often_the_connection_breaks(api: Api) -> None:
    api.routes[LOG] = [printed(FIRST), kfp_api.error(503, "restarting"), printed(SECOND)]
    api.routes[r.RUN] = [r.run("RUNNING"), r.run("RUNNING"), r.run("RUNNING"), r.run("SUCCEEDED")]
    with connect(Address(api.url)) as connection:
        output = list(followed(connection, open_cluster("kubeflow"), r.RUN_ID, "train", sleep=lambda seconds: None))
    assert output == ["one", "two ü", "three"]


def test_following_ends_with_the_step(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[POD] = [Said(r.pod("train", "Running", **RUNNING)), Said(r.pod("train", "Succeeded", **RUNNING))]
    assert main(["logs", r.RUN_ID, "--step", "train", "--follow"]) == 0
    assert capsys.readouterr().out == "one\ntwo ü\n"


def test_a_broken_connection_after_hours_of_following_is_asked_for_anew(api: Api) -> None:
    clock = Clock()
    api.routes[LOG] = [broken(FIRST), printed(SECOND)]
    api.routes[r.RUN] = [r.run("RUNNING"), r.run("SUCCEEDED")]
    output = []
    with connect(Address(api.url)) as connection:
        for line in followed(connection, open_cluster("kubeflow"), r.RUN_ID, "train", clock=clock, sleep=clock.sleep):
            output.append(line)
            clock.sleep(3600)
    assert output == ["one", "two ü", "three"]


def test_a_step_that_is_silent_for_long_is_followed_as_long_as_its_log_is_given(api: Api) -> None:
    clock = Clock(pace=200)
    api.routes[LOG] = [*[broken(FIRST)] * 10, printed(SECOND)]
    api.routes[r.RUN] = [*[r.run("RUNNING")] * 10, r.run("SUCCEEDED")]
    with connect(Address(api.url)) as connection:
        lines = followed(connection, open_cluster("kubeflow"), r.RUN_ID, "train", clock=clock, sleep=clock.sleep)
        assert list(lines) == ["one", "two ü", "three"]
    assert clock() > 3600


def test_following_gives_up_when_kubernetes_was_away_for_ten_minutes(api: Api) -> None:
    clock = Clock(pace=100)
    api.routes[LOG] = [printed(FIRST), kfp_api.LOST]
    with connect(Address(api.url)) as connection:
        lines = followed(connection, open_cluster("kubeflow"), r.RUN_ID, "train", clock=clock, sleep=clock.sleep)
        assert [next(lines), next(lines)] == ["one", "two ü"]
        with pytest.raises(ClusterError, match="can't be reached"):
            next(lines)
    assert [clock(), len(api.of(LOG))] == [1000, 6]  # 200 s apart: it was gone at 200, and still at 1000


def test_following_trials_ends_with_the_run_and_not_with_the_first_of_them(api: Api) -> None:
    """The second trial comes when the first has succeeded, as in the next stage of a sweep."""
    first, second = (r.pod(f"trial {n}", "Succeeded", name=f"pod-{n + 1}", **DONE) for n in range(2))
    api.routes.update({POD: Said(first), r.PODS + "/pod-2": Said(second), r.PODS + "/pod-2/log": printed(THIRD)})
    api.routes[r.PODS] = [r.items(first), r.items(first), r.items(first, second)]
    api.routes[r.RUN] = [*[r.run("RUNNING")] * 4, r.run("SUCCEEDED")]
    with connect(Address(api.url)) as connection:
        output = list(followed(connection, open_cluster("kubeflow"), r.RUN_ID, "trial", sleep=lambda seconds: None))
    assert output == ["one", "two ü", "another"]
    assert len(api.of(LOG)) == 1  # a log that was shown to its end is not read again


def test_following_goes_on_while_another_task_of_the_step_has_not_succeeded(api: Api) -> None:
    done = r.pod("train", "Succeeded", **DONE)
    other = r.pod("train 1", "Running", name="pod-2", **RUNNING)
    ended = r.pod("train 1", "Succeeded", name="pod-2", **DONE)
    api.routes.update({POD: Said(done), r.PODS: r.items(done, other), r.PODS + "/pod-2/log": printed(THIRD)})
    api.routes[r.PODS + "/pod-2"] = [Said(other), Said(other), Said(other), Said(ended)]
    with connect(Address(api.url)) as connection:
        output = list(followed(connection, open_cluster("kubeflow"), r.RUN_ID, "train", sleep=lambda seconds: None))
    assert output == ["one", "two ü", "another"]
    assert len(api.of(r.PODS + "/pod-2/log")) == 2


def test_an_attempt_that_failed_does_not_keep_its_task_from_its_end(api: Api) -> None:
    failed = r.pod("train", "Failed", **DONE)
    again = r.pod("train", "Succeeded", name="pod-2", attempt=1, **DONE)
    api.routes.update({POD: Said(failed), r.PODS + "/pod-2": Said(again), r.PODS + "/pod-2/log": printed(THIRD)})
    api.routes[r.PODS] = r.items(failed, again)
    with connect(Address(api.url)) as connection:
        output = list(followed(connection, open_cluster("kubeflow"), r.RUN_ID, "train", sleep=lambda seconds: None))
    assert output == ["one", "two ü", "another"]


def test_steps_that_come_often_are_those_of_which_a_sweep_has_several() -> None:
    sweep = Sweep(grid={"optimizer.beta_1": [0.0, 0.5]}, rungs=(1, 2))
    spec = next(iter(yaml.safe_load_all(compile_text("sweep", "image:1", load_profile("local"), sweep))))
    executors = [name.removeprefix("exec-").rpartition("-") for name in spec["deploymentSpec"]["executors"]]
    assert {step for step, _, number in executors if number.isdigit()} == {
        step for step, spec in STEPS.items() if spec.repeats
    }


def test_following_a_step_that_never_came(api: Api) -> None:
    api.routes[r.RUN] = r.run("SUCCEEDED")
    assert main(["logs", r.RUN_ID, "--step", "promote", "-f"]) == 4


def test_without_kubernetes_there_are_no_logs(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 16
    assert "logs are read from pods" in capsys.readouterr().err


def test_following_a_forbidden_log_fails_at_once(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[LOG] = Said({"kind": "Status", "message": 'pods "pod-1" is forbidden'}, 403)
    assert main(["logs", r.RUN_ID, "--step", "train", "--follow"]) == 16
    assert 'forbids it: pods "pod-1" is forbidden; ask for that permission' in capsys.readouterr().err
