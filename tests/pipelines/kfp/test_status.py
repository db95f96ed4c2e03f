from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.kubernetes.connect import open_cluster
from gan.store.records import executions
from pipelines.cli.flags import kubernetes_if_any
from pipelines.cli.main import main
from pipelines.kfp import runs
from pipelines.kfp.connection import connect
from pipelines.kfp.endpoint import Address
from pipelines.kfp.status import read_status
from pipelines.kubernetes import workflow
from support import kfp_api
from support import kfp_runs as r
from support.kfp_api import Api

NO_GPU = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/1 nodes"
Status = Callable[..., tuple[int, Any]]


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with kfp_api.serve() as served:
        monkeypatch.setenv("KFP_HOST", served.url)
        monkeypatch.setenv("KUBECONFIG", str(r.kubeconfig(served, tmp_path)))
        yield served


@pytest.fixture
def status(api: Api, capsys: pytest.CaptureFixture[str]) -> Status:
    """Runs `gan-pipelines status` against these answers; returns its exit code and its JSON output."""

    def look(state: str, flow: dict[str, Any], *pods: dict[str, Any], store: str = "", json_: bool = True) -> Any:
        api.routes.update(r.routes(state, flow, *pods, store=store))
        code = main(["status", r.RUN_ID, *(["--json"] if json_ else [])])
        said = capsys.readouterr().out
        return code, json.loads(said) if json_ else said

    return look


def test_a_run_that_goes_on_and_one_that_is_done(status: Status, tmp_path: Path) -> None:
    done = r.attempt("preprocess", executions.DONE, exit_code=0, outcome={"id": "digits-1", "skipped": True})
    begun = r.attempt("train", executions.RUNNING)
    store = r.ledger(tmp_path, done, begun)
    flow = r.workflow(r.node("preprocess", "Succeeded"), *r.retried("train", "Failed", "Running"))
    code, output = status("RUNNING", flow, store=store)
    first, second = output["steps"]
    assert (code, output["state"], output["missing"]) == (19, "RUNNING", [])
    assert (first["step"], first["state"], first["id"], first["node"]) == (
        "preprocess",
        "in the store already",
        "digits-1",
        "node-0",
    )
    assert (first["seconds"], first["tries"]) == (60, 1)
    assert (second["step"], second["state"], second["tries"]) == ("train", "running", 2)
    assert status("SUCCEEDED", r.workflow(r.node("report", "Succeeded")))[0] == 0


@pytest.mark.parametrize(
    ("status_of_pod", "said"),
    [
        (
            r.unplaced("Unschedulable", NO_GPU),
            "no node takes it: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu",
        ),
        (r.unplaced("SchedulingGated", "gated"), "held back by Kueue: insufficient quota for nvidia.com/gpu"),
        (
            r.container(waiting={"reason": "CreateContainerConfigError", "message": 'configmap "x" not found'}),
            'CreateContainerConfigError: configmap "x" not found; create it, and the pod starts by itself',
        ),
        (
            r.container(waiting={"reason": "ImagePullBackOff", "message": "Back-off"}),
            "ImagePullBackOff: Back-off; check that the image exists and that the node may pull it",
        ),
        (r.container(waiting={"reason": "PodInitializing"}), ""),
    ],
    ids=["no GPU", "Kueue", "no secret", "no image", "just beginning"],
)
def test_why_a_step_waits(api: Api, status: Status, status_of_pod: dict[str, Any], said: str) -> None:
    waiting = {"type": "QuotaReserved", "status": "False", "message": "insufficient quota for nvidia.com/gpu"}
    workload = {"metadata": {"ownerReferences": [{"uid": "uid-pod-1"}]}, "status": {"conditions": [waiting]}}
    api.routes["GET /apis/kueue.x-k8s.io/v1beta2/namespaces/kubeflow/workloads"] = r.items(workload)
    flow = r.workflow(*r.retried("train", "Pending", message="PodInitializing"))
    _, output = status("RUNNING", flow, r.pod("train", "Pending", **status_of_pod))
    (step,) = output["steps"]
    assert (step["state"], step["why"]) == ("pending", said)


def test_a_step_that_was_done_did_not_fail_itself(status: Status, tmp_path: Path) -> None:
    made = {"exit_code": 0, "outcome": {"id": "digits-1"}, "pod": "pod-1"}
    store = r.ledger(tmp_path, r.attempt("train", executions.DONE, **made))
    pod = r.pod("train", "Failed", **r.container(terminated={"exitCode": 1, "reason": "Error"}))
    flow = r.workflow(*r.retried("train", "Failed"))
    _, output = status("FAILED", flow, pod, store=store)
    why = "the step itself succeeded, but Kubeflow's launcher around it failed (ended with exit code 1 (Error));"
    assert output["steps"][0]["why"] == f"{why} see its log"
    pod["metadata"]["name"] = "pod-2"  # of a later attempt, which put nothing on record
    _, output = status("FAILED", flow, pod, store=store)
    assert output["steps"][0]["why"] == "ended with exit code 1 (Error)"


DRIVER = f"{r.WORKFLOW}.root.train-driver"


def driver(phase: str, message: str = "") -> dict[str, Any]:
    return {**r.node("train", phase, message=message), "name": DRIVER}


def test_a_step_waits_where_kubeflows_own_pod_before_it_does(status: Status) -> None:
    waits = "Kubeflow's own pod before it waits: "
    own = r.pod("", "Pending", **r.unplaced("Unschedulable", "0/1 nodes are available: 1 Insufficient cpu"))
    own["metadata"]["annotations"]["workflows.argoproj.io/node-name"] = DRIVER
    before = r.node("preprocess", "Succeeded")
    _, output = status("RUNNING", r.workflow(before, driver("Pending")), own)
    assert [(each["step"], each["state"]) for each in output["steps"]] == [("preprocess", "done"), ("train", "pending")]
    assert output["steps"][1]["why"] == f"{waits}no node takes it: 0/1 nodes are available: 1 Insufficient cpu"
    _, output = status("RUNNING", r.workflow(before, driver("Pending", "pods is forbidden: exceeded quota: gan")))
    assert output["steps"][1]["why"] == f"{waits}pods is forbidden: exceeded quota: gan"
    for usual in (driver("Pending", "ContainerCreating"), driver("Running"), driver("Succeeded")):
        _, output = status("RUNNING", r.workflow(before, usual))
        assert len(output["steps"]) == 1
    _, output = status("FAILED", r.workflow(before, driver("Pending", "exceeded quota: gan")))
    assert len(output["steps"]) == 1


WORKERS = f"gan-pipelines/run={r.RUN_ID}"
JOBSETS = "GET /apis/jobset.x-k8s.io/v1alpha2/namespaces/kubeflow/jobsets"
JOBS = "GET /apis/batch/v1/namespaces/kubeflow/jobs"


def coordinator() -> dict[str, Any]:
    """The pod of a step that made workers and looks after them."""
    made = r.pod("train", "Running", **r.container(running={}))
    made["metadata"]["annotations"]["gan-pipelines/worker-resources"] = "{}"
    return made


def worker(index: int, **status: Any) -> dict[str, Any]:
    made = r.pod("train", "Pending", name=f"train-{index}", **status)
    made["metadata"]["annotations"] = {"batch.kubernetes.io/job-completion-index": str(index)}
    return made


def with_workers(api: Api, *workers: dict[str, Any]) -> None:
    """The API lists these where the workers of the run are asked for, and the step's pod otherwise."""
    of_step, of_workers = r.items(coordinator()), r.items(*workers)
    api.routes[r.PODS] = lambda asked: of_workers if asked.query["labelSelector"] == [WORKERS] else of_step


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        ([worker(0), worker(1, **r.unplaced("Unschedulable", NO_GPU))], "worker 1 waits: no node takes it: 0/1 nodes"),
        ([worker(0), worker(1)], ""),
        ([], "its workers have no pods: suspended until the queue gpus admits it; `kubectl"),
    ],
    ids=["no GPU", "just beginning", "in a queue"],
)
def test_why_the_workers_of_a_step_wait(api: Api, status: Status, workers: list[dict[str, Any]], said: str) -> None:
    flow = r.workflow(*r.retried("train", "Running"))
    api.routes.update(r.routes("RUNNING", flow))
    queued = {"name": "train-1", "namespace": "kubeflow", "uid": "1", "labels": {"kueue.x-k8s.io/queue-name": "gpus"}}
    api.routes.update({JOBSETS: r.items({"metadata": queued, "spec": {"suspend": True}}), JOBS: r.items()})
    with_workers(api, *workers)
    with connect(Address(api.url)) as connection:
        (step,) = read_status(connection, runs.get(connection, r.RUN_ID), open_cluster("kubeflow")).steps
    assert step.state == "running"
    assert step.why.startswith(said)
    assert bool(step.why) == bool(said)


def test_a_missing_permission_to_list_jobs_is_reported_for_workers_without_pods(api: Api) -> None:
    api.routes.update(r.routes("RUNNING", r.workflow(*r.retried("train", "Running"))))
    api.routes[JOBS] = forbidden("jobs")
    with_workers(api)
    with connect(Address(api.url)) as connection:
        (step,) = read_status(connection, runs.get(connection, r.RUN_ID), open_cluster("kubeflow")).steps
    assert step.why.startswith("can't see whether its workers wait: ")
    assert step.why.endswith("forbids it: jobs is forbidden; ask for that permission")


def forbidden(what: str) -> kfp_api.Said:
    return kfp_api.error(403, f"{what} is forbidden")


def test_a_missing_permission_to_ask_kueue_is_reported_with_all_the_rest(api: Api, status: Status) -> None:
    api.routes["GET /apis/kueue.x-k8s.io/v1beta2/namespaces/kubeflow/workloads"] = forbidden("workloads")
    flow = r.workflow(*r.retried("train", "Pending"))
    code, output = status("RUNNING", flow, r.pod("train", "Pending", **r.unplaced("SchedulingGated", "gated")))
    (step,) = output["steps"]
    assert (code, step["state"]) == (19, "pending")
    assert step["why"].startswith("held back by Kueue: can't see its workload: ")
    assert step["why"].endswith("forbids it: workloads is forbidden; ask for that permission")


@pytest.mark.parametrize("kept", [True, False])
def test_who_may_not_see_workflows_sees_pods(api: Api, *, kept: bool) -> None:
    flow = r.workflow(*r.retried("train", "Pending"))
    api.routes.update(r.routes("RUNNING", flow, r.pod("train", "Pending", **r.unplaced("Unschedulable", NO_GPU))))
    api.routes[r.WORKFLOWS] = forbidden("workflows")
    if not kept:
        del api.routes[r.OLD_RUN]
    with connect(Address(api.url)) as connection:
        output = read_status(connection, runs.get(connection, r.RUN_ID), open_cluster("kubeflow"))
    if kept:
        assert output.missing == []
        assert output.steps[0].why.startswith("no node takes it")
    else:
        (why,) = output.missing
        assert why.startswith("the steps are those in the attempt log: neither Kubeflow nor Kubernetes gives")
        assert "workflows is forbidden; ask for that permission" in why


def test_who_may_not_see_pods_sees_the_workflow(api: Api) -> None:
    flow = r.workflow(r.node("train", "Running"))
    api.routes.update(r.routes("RUNNING", flow))
    del api.routes[r.OLD_RUN]
    api.routes[r.PODS] = forbidden("pods")
    with connect(Address(api.url)) as connection:
        cluster, why = kubernetes_if_any("kubeflow")
        output = read_status(connection, runs.get(connection, r.RUN_ID), cluster, why)
    assert [step.state for step in output.steps] == ["running"]
    (why,) = output.missing
    assert why.startswith("can't see pods: ")


def test_a_pod_that_may_not_be_created_is_reported_by_the_workflow(status: Status) -> None:
    quota = (
        'pods "x" is forbidden: exceeded quota: gan, requested: limits.cpu=8, used: limits.cpu=2, limited: limits.cpu=4'
    )
    _, output = status("RUNNING", r.workflow(r.node("train", "Pending", message=quota)))
    assert output["steps"][0]["why"] == quota


def test_a_step_between_two_attempts(status: Status, tmp_path: Path) -> None:
    store = r.ledger(tmp_path, r.attempt("train", executions.FAILED, exit_code=14, error="no answer"))
    _, output = status("RUNNING", r.workflow(*r.retried("train", "Failed", whole="Running")), store=store)
    (step,) = output["steps"]
    assert (step["state"], step["why"], output["error"]) == ("to be tried again", "no answer", "")


OOM = r.container(terminated={"exitCode": 137, "reason": "OOMKilled"})


@pytest.mark.parametrize(
    ("status_of_pod", "message", "said"),
    [
        (OOM, "", "out of memory (its limit is 600Mi); give the step more in the profile"),
        ({"reason": "Evicted", "message": "The node was low on resource: memory."}, "", "Evicted: The node was low"),
        (r.container(terminated={"exitCode": 8, "reason": "Error", "message": "train: too wild"}), "", "too wild"),
        (r.container(terminated={"exitCode": 3, "reason": "Error"}), "", "ended with exit code 3 (Error)"),
        ({}, "pod deleted", "pod deleted"),
    ],
    ids=["memory", "evicted", "message", "code", "deleted"],
)
def test_why_a_step_failed(status: Status, status_of_pod: dict[str, Any], message: str, said: str) -> None:
    flow = r.workflow(*r.retried("train", "Failed", message=message))
    code, output = status("FAILED", flow, r.pod("train", "Failed", **status_of_pod))
    assert code == 17
    assert output["steps"][0]["why"].startswith(said)
    assert output["error"].startswith(f"train: {said}")


def test_each_trial_of_a_sweep_has_its_own_pod(status: Status) -> None:
    flow = r.workflow(*r.retried("trial 0", "Failed", "Failed"), *r.retried("trial 1", "Pending"))
    pods = (
        r.pod("trial 0", "Failed", name="first", **r.container(terminated={"exitCode": 3, "reason": "Error"})),
        r.pod("trial 0", "Failed", name="second", attempt=1, **OOM),
        r.pod("trial 1", "Pending", name="third", **r.unplaced("Unschedulable", NO_GPU)),
    )
    _, output = status("RUNNING", flow, *pods)
    failed, waiting = output["steps"]
    assert (failed["step"], waiting["step"]) == ("trial", "trial")
    assert failed["why"].startswith("out of memory (its limit is 600Mi)")
    assert waiting["why"] == "no node takes it: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu"


def test_attempts_that_ended_alike_are_shown_together(status: Status, tmp_path: Path) -> None:
    nan = "generator_loss is nan at step 7"
    failed = r.attempt("train", executions.FAILED, exit_code=8, error=nan)
    store = r.ledger(tmp_path, r.attempt("train", executions.RUNNING), failed, failed, failed)
    code, text = status("FAILED", r.workflow(*r.retried("train", "Failed", "Failed")), store=store, json_=False)
    assert code == 17
    assert "    attempt 1: lost\n    attempt 2, 3: the same error\n    generator_loss is nan at step 7" in text
    assert text.count(nan) == 1


def test_a_run_of_a_schedule_is_described_by_its_pipeline(api: Api, status: Status) -> None:
    run = r.run("RUNNING")
    reference = {"pipeline_id": "p1", "pipeline_version_id": "v1"}
    scheduled = kfp_api.Said({**run.body, "description": "", "pipeline_version_reference": reference})
    api.routes.update(r.routes("RUNNING", r.workflow()))
    api.routes[r.RUN] = scheduled
    assert main(["status", r.RUN_ID]) == 19
    version = {**reference, "description": "pipeline retraining, profile local, image x"}
    api.routes["GET /apis/v2beta1/pipelines/p1/versions/v1"] = kfp_api.Said(version)
    with connect(Address(api.url)) as connection:
        found = runs.get(connection, r.RUN_ID)
        assert read_status(connection, found, None).about == "pipeline retraining, profile local, image x"


@pytest.mark.parametrize("how", ["history", "workflow"])
def test_a_run_that_was_terminated_is_canceled_though_the_backend_calls_it_failed(
    api: Api, status: Status, how: str
) -> None:
    flow = r.workflow(*r.retried("train", "Failed"), terminated=how == "workflow")
    api.routes.update(r.routes("FAILED", flow))
    if how == "history":
        api.routes[r.RUN] = r.run("FAILED", history=("RUNNING", "CANCELING"))
        assert main(["status", r.RUN_ID]) == 18
        return
    code, output = status("FAILED", flow)
    assert (code, output["state"], output["steps"][0]["state"]) == (18, "CANCELED", "canceled")


def test_scores_and_verdict_come_from_the_ledger(status: Status, tmp_path: Path) -> None:
    score = {"value": 1.5, "low": 1.0, "high": 2.0}
    scores = {"label": "fid", "step": 60, "scores": {"fid": score}, "real": {}}
    refused = {"passed": False, "reasons": ["fid is 1.5, allowed is at most 1"]}
    store = r.ledger(
        tmp_path,
        r.attempt("evaluate", executions.DONE, outcome={"id": "r", "details": scores}),
        r.attempt("gate", executions.DONE, outcome={"id": "g", "details": refused}),
    )
    _, text = status("SUCCEEDED", r.workflow(r.node("gate", "Succeeded")), store=store, json_=False)
    assert "fid at step 60" in text
    assert "the gate refused it\n  - fid is 1.5, allowed is at most 1" in text


def test_sources_out_of_reach_are_named_and_the_rest_is_shown(
    api: Api, status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    flow = r.workflow(*r.retried("train", "Running"))
    _, output = status("RUNNING", flow, store=str(tmp_path / "nowhere"))
    assert output["steps"][0]["state"] == "running"
    pods, store = output["missing"]
    assert pods.startswith("can't see pods: no way to Kubernetes")
    assert "there is no store at" in store


def test_without_the_workflow_the_steps_come_from_the_attempt_log(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    failed = r.attempt("train", executions.FAILED, error="bad", ended_at="2026-11-23T22:12:50Z")
    api.routes[r.RUN] = r.run("FAILED", store=r.ledger(tmp_path, failed))
    assert main(["status", r.RUN_ID, "--json"]) == 17
    output = json.loads(capsys.readouterr().out)
    (step,) = output["steps"]
    assert (step["step"], step["state"], step["seconds"], step["why"]) == ("train", "failed", 5, "bad")
    assert output["missing"][-1].startswith("the steps are those in the attempt log")


def test_the_nodes_of_a_large_workflow_are_compressed() -> None:
    flow = r.workflow(r.node("train", "Running"))
    nodes = flow["status"].pop("nodes")
    flow["status"]["compressedNodes"] = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    assert [node.step for node in workflow.nodes(flow)] == ["train"]
    flow["status"]["compressedNodes"] = "damaged"
    assert workflow.nodes(flow) == []


def test_list_and_find(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    runs = "GET /apis/v2beta1/runs"
    one = r.run("RUNNING").body
    other = {**one, "run_id": "6411fa83-0000-0000-0000-000000000000", "display_name": "digits-ffff"}
    api.routes[runs] = kfp_api.Said({"runs": [one, other]})
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith(f"{r.RUN_ID}  RUNNING    2026-11-23T22:12:39")
    assert main(["status", "digits"]) == 2
    assert '"digits" matches 2 runs (digits-d1a2a71b, digits-ffff); give more' in capsys.readouterr().err
    assert main(["status", ""]) == 2
    assert "RUN is empty" in capsys.readouterr().err
    assert main(["status", "nosuch"]) == 4
    api.routes.update(r.routes("SUCCEEDED", r.workflow()))
    for name in ("digits-d1", r.RUN_ID[:5]):
        assert main(["status", name]) == 0
        assert "no step has begun" in capsys.readouterr().out
    api.routes[runs] = kfp_api.Said({})
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "no runs yet\n"
    assert main(["status"]) == 4


def test_the_list_of_runs(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    just_made = {"run_id": r.RUN_ID, "display_name": "digits-1", "created_at": r.BEGAN}
    api.routes["GET /apis/v2beta1/runs"] = kfp_api.Said({"runs": [just_made]})
    assert main(["list"]) == 0
    assert capsys.readouterr().out.startswith(f"{r.RUN_ID}  PENDING ")
    assert main(["list", "--limit", "0"]) == 2
    assert "--limit must be 1 or more; got 0" in capsys.readouterr().err
