from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cli.main import main
from support import kfp_api
from support import kfp_runs as r
from support.kfp_api import Api

NAMESPACE = "GET /api/v1/namespaces/kubeflow"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    flow = r.workflow(r.node("report", "Succeeded"))
    with kfp_api.serve(r.routes("SUCCEEDED", flow, r.pod("report", "Succeeded"))) as served:
        monkeypatch.setenv("KFP_HOST", served.url)
        monkeypatch.setenv("KUBECONFIG", str(r.kubeconfig(served, tmp_path)))
        yield served


@pytest.mark.parametrize("command", ["wait", "status"])
def test_a_kubeconfig_of_another_cluster_changes_nothing_about_how_a_run_ended(
    api: Api, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    api.routes[NAMESPACE] = kfp_api.error(404, 'namespaces "kubeflow" not found')
    assert main([command, r.RUN_ID, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [step["state"] for step in told["steps"]] == ["done"]
    (why,) = told["missing"]
    assert why.startswith('can\'t see pods: the cluster has no namespace "kubeflow"; give the --namespace')
    assert "check that KUBECONFIG names their cluster" in why


@pytest.mark.parametrize("command", [["cancel"], ["logs", "--step", "report"]])
def test_what_is_done_to_pods_is_refused_where_there_is_no_such_namespace(
    api: Api, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    api.routes[NAMESPACE] = kfp_api.error(404, 'namespaces "kubeflow" not found')
    assert main([*command, r.RUN_ID]) == 4
    assert 'the cluster has no namespace "kubeflow"' in capsys.readouterr().err


@pytest.mark.parametrize(
    "answer", [kfp_api.LOST, kfp_api.error(403, "may not"), kfp_api.error(500, "ill")], ids=["lost", "403", "500"]
)
def test_a_namespace_that_nobody_tells_of_may_be_there(
    api: Api, capsys: pytest.CaptureFixture[str], answer: kfp_api.Said
) -> None:
    api.routes[NAMESPACE] = answer
    assert main(["status", r.RUN_ID, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missing"] == []


def test_a_kubeconfig_that_leads_to_something_else(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.routes[r.PODS] = kfp_api.error(404, "page not found")
    assert main(["status", r.RUN_ID, "--json"]) == 0
    assert "has no such object" in json.loads(capsys.readouterr().out)["missing"][0]
