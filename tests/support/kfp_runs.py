"""Answers of Kubeflow's and Kubernetes' API in the shape in which a real cluster gave them, cut to what we read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from gan.store import LocalStore
from gan.store.records import executions
from gan.store.records.executions import ExecutionAttempt
from support.kfp_api import HEALTHY, Api, Said

RUN_ID = "5c29c935-1864-42ff-8b12-37b72f7ad0bb"
WORKFLOW = "gan-training-zk24m"
PODS = "GET /api/v1/namespaces/kubeflow/pods"
WORKFLOWS = "GET /apis/argoproj.io/v1alpha1/namespaces/kubeflow/workflows"
RUN = f"GET /apis/v2beta1/runs/{RUN_ID}"
OLD_RUN = f"GET /apis/v1beta1/runs/{RUN_ID}"
BEGAN, ENDED, NEVER = "2026-11-23T22:12:39Z", "2026-11-23T22:13:39Z", "1970-01-01T00:00:00Z"


def run(state: str, *, store: str = "", history: tuple[str, ...] = ("PENDING", "RUNNING")) -> Said:
    ended = state in ("SUCCEEDED", "FAILED")
    return Said(
        {
            "run_id": RUN_ID,
            "display_name": "digits-d1a2a71b",
            "description": "pipeline training, profile local, image gan-pipelines:dev",
            "runtime_config": {"parameters": {"store": store}},
            "created_at": BEGAN,
            "finished_at": ENDED if ended else NEVER,
            "state": state,
            "state_history": [{"update_time": BEGAN, "state": each} for each in (*history, state)],
        }
    )


def task(step: str) -> str:
    """The name of a step's task; a trial, given as "trial 3", is one of a loop's."""
    step, _, number = step.partition(" ")
    loop = f"stage.for-loop-1.iteration-iterations({number}:{number}).iteration-item." if number else ""
    return f"{WORKFLOW}.root.{loop}{step}.executor"


def node(step: str, phase: str, *, message: str = "", attempt: int | None = None, kind: str = "Pod") -> dict[str, Any]:
    name = task(step) if attempt is None else f"{task(step)}({attempt})"
    ended = {} if phase in ("Running", "Pending") else {"finishedAt": ENDED}
    host = {"hostNodeName": "node-0"} if phase != "Pending" else {}
    return {"name": name, "type": kind, "phase": phase, "message": message, "startedAt": BEGAN, **ended, **host}


def retried(step: str, *phases: str, message: str = "", whole: str = "") -> list[dict[str, Any]]:
    """The nodes of a task with retries: its own, and that of each attempt."""
    attempts = [node(step, phase, attempt=n, message=message) for n, phase in enumerate(phases)]
    going_on = phases[-1] in ("Running", "Pending")
    return [node(step, whole or ("Running" if going_on else phases[-1]), kind="Retry"), *attempts]


def workflow(*nodes: dict[str, Any], message: str = "", terminated: bool = False) -> dict[str, Any]:
    drivers = [{**node("root", "Succeeded"), "name": f"{WORKFLOW}.root-driver"}]
    found = {f"{WORKFLOW}-{n}": each for n, each in enumerate([*drivers, *nodes])}
    spec = {"activeDeadlineSeconds": 0} if terminated else {}
    return {"metadata": {"name": WORKFLOW}, "spec": spec, "status": {"nodes": found, "message": message}}


def as_kept(flow: dict[str, Any]) -> Said:
    """A workflow as Kubeflow's API hands it out."""
    return Said({"pipeline_runtime": {"workflow_manifest": json.dumps(flow)}})


def pod(step: str, phase: str, *, name: str = "pod-1", attempt: int = 0, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": BEGAN,
            "labels": {"gan-pipelines/step": step.partition(" ")[0], "pipeline/runid": RUN_ID},
            "annotations": {"workflows.argoproj.io/node-name": f"{task(step)}({attempt})"},
        },
        "spec": {
            "nodeName": "node-0",
            "containers": [
                {"name": "wait"},
                {"name": "main", "resources": {"limits": {"memory": "600Mi"}}},
            ],
        },
        "status": {"phase": phase, **status},
    }


def container(**state: Any) -> dict[str, Any]:
    """`containerStatuses` of a pod whose main container is in a state."""
    return {
        "containerStatuses": [
            {"name": "main", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": state}
        ]
    }


def unplaced(reason: str, message: str) -> dict[str, Any]:
    return {"conditions": [{"type": "PodScheduled", "status": "False", "reason": reason, "message": message}]}


def items(*found: dict[str, Any]) -> Said:
    return Said({"items": list(found)})


def routes(state: str, flow: dict[str, Any], *pods: dict[str, Any], store: str = "") -> dict[str, Any]:
    """Both APIs, with one run in them."""
    kubernetes = {PODS: items(*pods), WORKFLOWS: items(flow)}
    return {**HEALTHY, **kubernetes, RUN: run(state, store=store), OLD_RUN: as_kept(flow)}


def kubeconfig(api: Api, folder: Path) -> Path:
    """A kubeconfig that leads to the same server."""
    path = folder / "kubeconfig"
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    tree = {
        "current-context": "c",
        "contexts": [context],
        "clusters": [{"name": "c", "cluster": {"server": api.url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_text(yaml.safe_dump(tree))
    return path


def ledger(folder: Path, *attempts: ExecutionAttempt) -> str:
    """A store that has these attempts of the run on record."""
    store = LocalStore(folder / "store")
    for attempt in attempts:
        begun = executions.begin(store, RUN_ID, attempt)
        executions.write(store, RUN_ID, begun)
    return store.uri


def attempt(step: str, state: str, **more: Any) -> ExecutionAttempt:
    return ExecutionAttempt(step, task(step), 0, "2026-11-23T22:12:45Z", node="node-0", state=state, **more)
