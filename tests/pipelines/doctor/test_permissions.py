from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cli.main import main
from pipelines.doctor.kubernetes import examine_kubernetes
from pipelines.doctor.permissions import OWN, OWN_FOR_JOBSETS, OWN_FOR_KUEUE, Permission
from pipelines.profiles.profile import load_profile
from support import kfp_api, kubernetes_api
from support import kfp_runs as r
from support.kfp_api import Api, Asked, Said

IN_NAMESPACE = re.compile(
    r"/apis?/(?:(?P<group>[^/]+)/)?v\w+/namespaces/kubeflow/(?P<kind>\w+)(?P<name>/[^/]+)?(?P<part>/\w+)?"
)
VERBS = {"GET": "get", "DELETE": "delete", "PATCH": "patch"}
JOBS = "/apis/batch/v1/namespaces/kubeflow/jobs"
JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/kubeflow/jobsets"
SELF = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with kfp_api.serve() as served:
        monkeypatch.setenv("KFP_HOST", served.url)
        monkeypatch.setenv("KUBECONFIG", str(r.kubeconfig(served, tmp_path)))
        yield served


def used(asked: Asked) -> Permission | None:
    """The right that a request needs; None where it is none of the namespace's."""
    parts = IN_NAMESPACE.fullmatch(asked.path)
    if parts is None:
        return None
    verb = "list" if asked.method == "GET" and not parts["name"] else VERBS[asked.method]
    return Permission(verb, parts["kind"] + (parts["part"] or ""), parts["group"] or "")


def test_the_commands_need_exactly_these_permissions(api: Api) -> None:
    """A run that Kueue holds back, with a log, a termination half done, and a thing of each kind left."""
    pods = r.PODS.partition(" ")[2]
    gated = r.pod("train", "Pending", **r.unplaced("SchedulingGated", "gated"))
    ended = r.pod("train", "Succeeded", **r.container(terminated={"exitCode": 0}))
    flow = r.workflow(*r.retried("train", "Pending"))
    api.routes.update(r.routes("CANCELING", flow, gated))
    assert main(["status", r.RUN_ID]) == 19

    log = {f"GET {pods}/pod-1": Said(ended), f"GET {pods}/pod-1/log": Said(b"words", kind="text/plain")}
    api.routes.update({r.PODS: r.items(ended), **log})
    assert main(["logs", r.RUN_ID, "--step", "train"]) == 0

    made = {"metadata": {"name": "pod-1"}}
    things = {f"{JOBS}/pod-1": (JOBS, made), f"{JOBSETS}/pod-1": (JOBSETS, made), f"{pods}/pod-1": (pods, ended)}
    api.routes.update({f"GET {kind}": r.items(thing) for kind, thing in things.values()})

    def delete(asked: Asked) -> Said:
        api.routes[f"GET {things[asked.path][0]}"] = r.items()
        return Said({"kind": "Status", "status": "Success"})

    def patch(asked: Asked) -> Said:
        api.routes[r.RUN] = r.run("FAILED")
        return Said(flow)

    api.routes.update({f"DELETE {path}": delete for path in things})
    api.routes[f"PATCH {r.WORKFLOWS.partition(' ')[2]}/{r.WORKFLOW}"] = patch
    assert main(["cancel", r.RUN_ID]) == 0
    needed = {right for asked in api.asked if (right := used(asked)) is not None}
    assert needed == {*OWN, *OWN_FOR_JOBSETS, *OWN_FOR_KUEUE}


@pytest.mark.parametrize(
    "refused", ["list workflows", "patch workflows", "list jobs", "list jobsets", "list workloads"]
)
def test_a_missing_permission_is_named(api: Api, refused: str) -> None:
    api.routes.update({**kubernetes_api.routes(), SELF: kubernetes_api.review(refused)})
    checks = examine_kubernetes("kubeflow", load_profile("local"), "gs://b", None, backend="2.17.0")
    found = {check.name: check for check in checks}
    assert found["your permissions"].ok is False
    assert f"you may not {refused}" in found["your permissions"].found


def test_what_is_not_installed_needs_no_permission(api: Api) -> None:
    refusing = kubernetes_api.review("list jobsets", "delete jobsets", "list workloads")
    api.routes.update({**kubernetes_api.routes(), SELF: refusing, "GET /apis/": Said({"groups": []})})
    checks = examine_kubernetes("kubeflow", load_profile("local"), "gs://b", None, backend="2.17.0")
    found = {check.name: check for check in checks}
    assert found["your permissions"].ok
    assert "jobsets" not in found["your permissions"].found
