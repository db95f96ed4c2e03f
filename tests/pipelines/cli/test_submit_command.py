from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.main import main
from support import kfp_api
from support import kfp_runs as r
from support.kfp_api import Api, Asked, Said

SUBMIT = ["submit", "--config", "digits", "--store", "s3://bucket/p", "--image", "gan:dev", "--allow-tag"]
PIPELINES = "/apis/v2beta1/pipelines"
RUNS = "/apis/v2beta1/runs"


def version(asked: Asked) -> Said:
    """The version of whatever name is asked for is there."""
    name = json.loads(asked.query["filter"][0])["predicates"][0]["stringValue"]
    return Said({"pipeline_versions": [{"pipeline_version_id": "v1", "name": name}]})


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    routes: dict[str, Any] = {
        f"GET {PIPELINES}": Said({"pipelines": [{"pipeline_id": "p1"}]}),
        f"GET {PIPELINES}/p1/versions": version,
        "GET /apis/v2beta1/experiments": Said({"experiments": [{"experiment_id": "e1"}]}),
        f"POST {RUNS}": Said({"run_id": r.RUN_ID, "display_name": "digits-1"}),
        **{key: answer for key, answer in r.routes("FAILED", r.workflow()).items() if "healthz" not in key},
    }
    with kfp_api.serve(routes) as served:
        monkeypatch.setenv("KFP_HOST", served.url)
        monkeypatch.setenv("KUBECONFIG", str(r.kubeconfig(served, tmp_path)))
        yield served


def test_submit_prints_id_and_url(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SUBMIT) == 0
    assert capsys.readouterr().out == f"{r.RUN_ID}\n{api.url}/#/runs/details/{r.RUN_ID}\n"
    assert main([*SUBMIT, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["id"], record["image"], record["profile"]) == (r.RUN_ID, "gan:dev", "cpu-small")
    assert record["version"].startswith("training-")


def test_submit_that_waits_exits_as_wait_does(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SUBMIT, "--wait"]) == 17
    shown = capsys.readouterr()
    assert "digits-d1a2a71b  FAILED" in shown.out
    events = [json.loads(line) for line in shown.err.splitlines() if line.startswith("{")]
    assert [event["event"] for event in events][-2:] == ["run submitted", "run failed"]
    assert (events[-2]["id"], events[-2]["url"]) == (r.RUN_ID, f"{api.url}/#/runs/details/{r.RUN_ID}")


def test_flags_that_the_pipeline_would_ignore_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SUBMIT, "--pipeline", "retraining", "--run-id", "mine"]) == 2
    assert "--run-id is of no use with --pipeline retraining" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["loss.name=hinj", "data.dataset=nope", "generator.name=dcgam", "loss.clip_value=1"])
def test_names_that_no_step_would_know_are_refused_before_a_pod_is(
    wrong: str, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SUBMIT, "--set", wrong, "--dry-run"]) == main([*SUBMIT, "--set", wrong]) == 2
    assert wrong.partition("=")[0] in capsys.readouterr().err
    assert api.asked == []


@pytest.mark.parametrize("space", ["grid", "search"])
def test_names_within_a_sweep_are_looked_at_too(
    space: str, api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(f"{space}: {{loss.name: [minimax, nosuchloss]}}")
    assert main([*SUBMIT, "--pipeline", "sweep", "--sweep", str(sweep), "--dry-run"]) == 2
    assert 'unknown loss.name "nosuchloss"' in capsys.readouterr().err
    assert api.asked == []


def test_a_dry_run_asks_nobody(api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KFP_HOST")
    assert main([*SUBMIT, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("would run: pipeline training, profile cpu-small, image gan:dev\n")
    assert main([*SUBMIT, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["store"] == "s3://bucket/p"
    assert main(SUBMIT) == 2
    assert "Give --host URL, set KFP_HOST, or give --port-forward" in capsys.readouterr().err
    assert api.asked == []
