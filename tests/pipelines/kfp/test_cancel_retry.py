from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.kubernetes.connect import open_cluster
from gan.errors import ClusterError
from pipelines.cli.main import main
from pipelines.kfp import cancel_retry, runs
from pipelines.kfp.connection import connect
from pipelines.kfp.endpoint import Address
from pipelines.kfp.wait import wait_until_ended
from support import kfp_api
from support import kfp_runs as r
from support.clock import Clock
from support.kfp_api import Api, Asked, Said
from support.kubernetes_api import group

TERMINATE = f"POST /apis/v2beta1/runs/{r.RUN_ID}:terminate"
RETRY = f"POST /apis/v2beta1/runs/{r.RUN_ID}:retry"
JOBS = "/apis/batch/v1/namespaces/kubeflow/jobs"
JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/kubeflow/jobsets"
DELETE_POD = f"DELETE {r.PODS.partition(' ')[2]}/pod-1"
PATCH = f"PATCH {r.WORKFLOWS.partition(' ')[2]}/{r.WORKFLOW}"
STOPPED = r.workflow(*r.retried("train", "Failed"), terminated=True)
FAILED = r.workflow(*r.retried("train", "Failed"))


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with kfp_api.serve() as served:
        served.routes[f"GET {JOBS}"] = r.items()
        monkeypatch.setenv("KFP_HOST", served.url)
        monkeypatch.setenv("KUBECONFIG", str(r.kubeconfig(served, tmp_path)))
        yield served


def deletable(api: Api, path: str, thing: dict[str, Any]) -> None:
    """A list that holds one thing until it is deleted."""
    api.routes[f"GET {path}"] = r.items(thing)

    def delete(asked: Asked) -> Said:
        api.routes[f"GET {path}"] = r.items()
        return Said({"kind": "Status", "status": "Success"})

    api.routes[f"DELETE {path}/{thing['metadata']['name']}"] = delete


def test_cancelling_waits_for_the_end_and_leaves_nothing(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes.update(r.routes("RUNNING", STOPPED))
    api.routes[TERMINATE] = lambda asked: _become(api, "FAILED")
    deletable(api, JOBSETS, {"metadata": {"name": "workers"}})
    deletable(api, JOBS, {"metadata": {"name": "workers-0"}})
    deletable(api, r.PODS.partition(" ")[2], r.pod("train", "Failed"))
    assert main(["cancel", r.RUN_ID]) == 0
    assert capsys.readouterr().out == (
        "digits-d1a2a71b is CANCELED; nothing of it is left in the cluster (pods, Jobs and JobSets deleted: 3)\n"
    )
    deleted = [asked.path.rpartition("/")[2] for asked in api.asked if asked.method == "DELETE"]
    assert deleted == ["workers", "workers-0", "pod-1"]
    selectors = {asked.query["labelSelector"][0] for path in (JOBS, JOBSETS) for asked in api.of(f"GET {path}")}
    assert selectors == {f"gan-pipelines/run={r.RUN_ID}"}


def test_kinds_that_may_not_be_listed_are_reported_and_pods_deleted_all_the_same(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.routes.update(r.routes("SUCCEEDED", FAILED))
    api.routes[f"GET {JOBSETS}"] = Said({"message": "jobsets.jobset.x-k8s.io is forbidden"}, 403)
    api.routes["GET /apis/"] = Said({"groups": [group("jobset.x-k8s.io", "v1alpha2")]})
    deletable(api, r.PODS.partition(" ")[2], r.pod("train", "Succeeded"))
    assert main(["cancel", r.RUN_ID, "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert (output["deleted"], output["unseen"]) == (1, ["jobsets.jobset.x-k8s.io"])
    assert len(api.of(DELETE_POD)) == 1
    assert main(["cancel", r.RUN_ID]) == 0
    said = capsys.readouterr().out
    assert "No permission to list jobsets.jobset.x-k8s.io in kubeflow; ask for list and delete" in said
    assert "nothing of it is left in the cluster" not in said
    api.routes["GET /apis/"] = Said({"groups": []})  # where it is not installed, it is forbidden all the same
    assert main(["cancel", r.RUN_ID]) == 0
    assert "nothing of it is left in the cluster" in capsys.readouterr().out
    api.routes["GET /apis/"] = Said({"message": "forbidden"}, 403)
    assert main(["cancel", r.RUN_ID]) == 0
    assert "ask for list and delete on jobsets" in capsys.readouterr().out


def test_a_missing_permission_to_delete_is_an_error(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes.update(r.routes("SUCCEEDED", FAILED))
    api.routes[f"GET {JOBSETS}"] = r.items({"metadata": {"name": "workers"}})
    api.routes[f"DELETE {JOBSETS}/workers"] = Said({"message": 'jobsets "workers" is forbidden'}, 403)
    assert main(["cancel", r.RUN_ID]) == 16
    assert 'jobsets "workers" is forbidden; ask for that permission' in capsys.readouterr().err


def test_a_step_has_its_grace_before_the_backend_stops_the_run(api: Api) -> None:
    going = r.pod("train", "Running", **r.container(running={}))
    api.routes.update(r.routes("RUNNING", STOPPED, going))
    api.routes[TERMINATE] = lambda asked: _become(api, "FAILED")
    stopping = iter([going, going, r.pod("train", "Failed", **r.container(terminated={"exitCode": 143}))])
    listed = going

    def pods(asked: Asked) -> Said:
        nonlocal listed
        listed = next(stopping, listed) if api.of(DELETE_POD) else listed
        return r.items(listed) if not api.of(TERMINATE) else r.items()

    api.routes[r.PODS] = pods
    api.routes[DELETE_POD] = Said({"kind": "Status", "status": "Success"})
    assert main(["cancel", r.RUN_ID]) == 0
    asked = [f"{each.method} {each.path}" for each in api.asked]
    assert asked.count(DELETE_POD) == 1
    assert asked.index(DELETE_POD) < asked.index(TERMINATE)
    assert listed["status"]["phase"] == "Failed"


def test_a_run_that_has_ended_is_not_stopped_and_what_it_left_is_deleted(api: Api) -> None:
    api.routes.update(r.routes("SUCCEEDED", FAILED))
    deletable(api, r.PODS.partition(" ")[2], r.pod("train", "Succeeded"))
    assert main(["cancel", r.RUN_ID]) == 0
    assert api.of(TERMINATE) == []


def test_cancelling_without_kubernetes_says_what_stays(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/none")
    api.routes.update(r.routes("RUNNING", STOPPED))
    api.routes[TERMINATE] = lambda asked: _become(api, "FAILED")
    assert main(["cancel", r.RUN_ID]) == 0
    output = capsys.readouterr().out
    assert "is CANCELED; its pods stay until somebody deletes them (no way to Kubernetes: KUBECONFIG is /none" in output


def test_another_cluster_than_kubeflows_is_not_taken_for_one_in_which_nothing_is_left(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.routes.update(r.routes("RUNNING", STOPPED))
    api.routes[r.WORKFLOWS] = r.items()
    api.routes[TERMINATE] = lambda asked: _become(api, "FAILED")
    assert main(["cancel", r.RUN_ID]) == 0
    output = capsys.readouterr().out
    why = f"the namespace kubeflow of {api.url} has no workflow of it"
    assert f"its pods stay until somebody deletes them ({why}; give" in output
    assert api.of(f"GET {JOBS}") == []


def test_a_run_that_ended_just_before_its_termination_is_not_an_error(api: Api) -> None:
    api.routes.update(r.routes("RUNNING", FAILED))

    def too_late(asked: Asked) -> Said:
        _become(api, "SUCCEEDED")
        return kfp_api.error(400, "Failed to terminate a run: row not found", 3)

    api.routes[TERMINATE] = too_late
    assert main(["cancel", r.RUN_ID]) == 0


def test_a_run_that_was_terminated_before_is_waited_for(api: Api) -> None:
    api.routes.update(r.routes("CANCELING", STOPPED, r.pod("notify", "Running", **r.container(running={}))))
    looks = iter(["CANCELING", "CANCELING"])

    def run(asked: Asked) -> Said:
        if next(looks, None) is None:
            _become(api, "FAILED")
            api.routes[r.PODS] = r.items()
        return Said(r.run("CANCELING"))

    api.routes[f"GET /apis/v2beta1/runs/{r.RUN_ID}"] = run
    with connect(Address(api.url)) as connection:
        found = runs.get(connection, r.RUN_ID)
        done = cancel_retry.cancel(
            connection, open_cluster("kubeflow"), found, clock=(clock := Clock()), sleep=clock.sleep
        )
    assert done.run.state == "CANCELED"
    assert api.of(TERMINATE) == []
    assert api.of(DELETE_POD) == []


def test_what_blocks_a_terminated_run_is_reported(api: Api) -> None:
    clock = Clock(pace=50.0)
    missing = {"reason": "CreateContainerConfigError", "message": 'secret "hook" not found'}
    flow = r.workflow(*r.retried("notify", "Pending"), terminated=True)
    api.routes.update(r.routes("CANCELING", flow, r.pod("notify", "Pending", **r.container(waiting=missing))))
    with (
        connect(Address(api.url)) as connection,
        pytest.raises(ClusterError, match=r'300 s: notify is pending, .*secret "hook" not found; create it'),
    ):
        cancel_retry.cancel(
            connection, open_cluster("kubeflow"), runs.get(connection, r.RUN_ID), clock=clock, sleep=clock.sleep
        )


def test_a_termination_that_kubeflow_did_not_carry_out_is_completed(api: Api) -> None:
    going = r.pod("train", "Running", **r.container(running={}))
    api.routes.update(r.routes("CANCELING", FAILED, going))

    def delete(asked: Asked) -> Said:
        api.routes[r.PODS] = r.items()
        return Said({"kind": "Status", "status": "Success"})

    def patch(asked: Asked) -> Said:
        _become(api, "FAILED")
        api.routes[r.OLD_RUN] = r.as_kept(STOPPED)
        return Said(STOPPED)

    api.routes.update({DELETE_POD: delete, PATCH: patch})
    assert main(["cancel", r.RUN_ID]) == 0
    asked = [f"{each.method} {each.path}" for each in api.asked]
    assert asked.index(DELETE_POD) < asked.index(PATCH)  # a step has its grace
    (patched,) = api.of(PATCH)
    assert patched.headers["Content-Type"] == "application/merge-patch+json"
    assert patched.json == {"spec": {"activeDeadlineSeconds": 0}}


def test_a_termination_that_was_carried_out_is_left_alone(api: Api) -> None:
    api.routes.update(r.routes("RUNNING", FAILED))

    def terminate(asked: Asked) -> Said:
        api.routes[r.WORKFLOWS] = r.items(STOPPED)
        api.routes[r.OLD_RUN] = r.as_kept(STOPPED)
        return _become(api, "FAILED")

    api.routes[TERMINATE] = terminate
    assert main(["cancel", r.RUN_ID]) == 0
    assert api.of(PATCH) == []


def test_cancel_works_without_permission_to_list_workflows_and_says_when_that_is_not_enough(api: Api) -> None:
    forbidden = Said({"message": "workflows.argoproj.io is forbidden"}, 403)
    api.routes.update({**r.routes("RUNNING", STOPPED), r.WORKFLOWS: forbidden})
    api.routes[TERMINATE] = lambda asked: _become(api, "FAILED")
    assert main(["cancel", r.RUN_ID]) == 0
    _become(api, "CANCELING")
    clock = Clock(pace=50.0)
    with (
        connect(Address(api.url)) as connection,
        pytest.raises(
            ClusterError, match=r"300 s: can't see whether its workflow was stopped.* ask for that permission"
        ),
    ):
        cancel_retry.cancel(
            connection, open_cluster("kubeflow"), runs.get(connection, r.RUN_ID), clock=clock, sleep=clock.sleep
        )


def test_a_namespace_that_is_not_there_is_refused(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes.update(r.routes("SUCCEEDED", FAILED))
    api.routes["GET /api/v1/namespaces/nosuch/pods"] = r.items()
    assert main(["cancel", r.RUN_ID, "--namespace", "nosuch"]) == 4
    assert 'the cluster has no namespace "nosuch"' in capsys.readouterr().err


def test_a_run_that_does_not_end_and_a_pod_that_stays_are_reported(api: Api) -> None:
    clock = Clock(pace=50.0)
    api.routes.update({**r.routes("RUNNING", FAILED, r.pod("train", "Running")), TERMINATE: Said({})})
    with connect(Address(api.url)) as connection:
        with pytest.raises(ClusterError, match="was terminated and is still RUNNING after 300 s"):
            cancel_retry.cancel(connection, None, runs.get(connection, r.RUN_ID), clock=clock, sleep=clock.sleep)
        _become(api, "FAILED")
        run = runs.get(connection, r.RUN_ID)
        with pytest.raises(ClusterError, match=r"pod pod-1 of the run .* can't be deleted"):
            cancel_retry.cancel(connection, open_cluster("kubeflow"), run, clock=clock, sleep=clock.sleep)


def test_retry_waits_for_the_backends_own_record(api: Api) -> None:
    clock = Clock()
    behind = kfp_api.error(500, "Workflow cannot be retried with node x in Running phase")
    api.routes.update({**r.routes("FAILED", FAILED), RETRY: [behind, behind, behind, Said({})]})
    with connect(Address(api.url)) as connection:
        cancel_retry.retry(connection, runs.get(connection, r.RUN_ID), clock=clock, sleep=clock.sleep)
    assert len(api.of(RETRY)) == 4


def test_a_retry_whose_answer_was_lost_is_not_a_failure(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes.update(r.routes("FAILED", FAILED))
    goes_on = kfp_api.error(400, "Workflow must be Failed/Error to retry", 3)

    def begun(asked: Asked) -> Said:
        _become(api, "RUNNING")
        return kfp_api.LOST if len(api.of(RETRY)) == 1 else goes_on

    api.routes[RETRY] = begun
    assert main(["retry", r.RUN_ID]) == 0
    assert len(api.of(RETRY)) == 2
    assert capsys.readouterr().out == f"{r.RUN_ID}\n"


def test_only_what_failed_is_retried(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes.update({**r.routes("FAILED", FAILED), RETRY: Said({})})
    assert main(["retry", r.RUN_ID]) == 0
    assert capsys.readouterr().out == f"{r.RUN_ID}\n"
    _become(api, "RUNNING")
    assert main(["retry", r.RUN_ID]) == 2
    assert "is RUNNING; `gan-pipelines cancel" in capsys.readouterr().err
    api.routes.update({**r.routes("FAILED", FAILED), RETRY: kfp_api.error(400, "no", 3)})
    assert main(["retry", r.RUN_ID]) == 16


@pytest.mark.parametrize(("state", "code"), [("SUCCEEDED", 0), ("FAILED", 17), ("RUNNING", 19)])
def test_wait_has_an_exit_code_for_each_state(api: Api, state: str, code: int) -> None:
    api.routes.update(r.routes(state, FAILED))
    assert main(["wait", r.RUN_ID, "--timeout", "0"]) == code


def test_wait_goes_on_through_a_restart_of_the_api_server(api: Api) -> None:
    clock = Clock()
    away = kfp_api.error(503, "restarting")
    api.routes[r.RUN] = [r.run("RUNNING"), away, kfp_api.LOST, r.run("RUNNING"), r.run("SUCCEEDED")]
    seen: list[str] = []
    with connect(Address(api.url)) as connection:
        run = wait_until_ended(
            connection, r.RUN_ID, None, on_poll=lambda run: seen.append(run.state), clock=clock, sleep=clock.sleep
        )
    assert (run.state, seen) == ("SUCCEEDED", ["RUNNING", "RUNNING", "SUCCEEDED"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_wait_says_that_the_run_continues(api: Api, number: signal.Signals) -> None:
    api.routes.update(r.routes("RUNNING", FAILED))
    program = "import sys; from pipelines.cli.main import main; sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", program, "wait", r.RUN_ID], stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        try:
            assert '"event": "run running"' in waiting.stderr.readline()
            waiting.send_signal(number)
            _, output = waiting.communicate(timeout=60)
        finally:
            waiting.kill()
    assert output == (
        f"gan-pipelines: stopped. The run continues: `gan-pipelines wait {r.RUN_ID}` waits for it, "
        f"`gan-pipelines cancel {r.RUN_ID}` stops it\n"
    )
    assert waiting.returncode == 128 + number


def test_wait_gives_up_after_its_time(api: Api) -> None:
    clock = Clock()
    api.routes[r.RUN] = r.run("RUNNING")
    with connect(Address(api.url)) as connection:
        assert wait_until_ended(connection, r.RUN_ID, 12, clock=clock, sleep=clock.sleep).state == "RUNNING"
    assert clock.now == 12


def _become(api: Api, state: str) -> Said:
    api.routes[r.RUN] = r.run(state)
    return Said({})
