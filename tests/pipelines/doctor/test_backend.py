from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan.errors import EXIT_UNHEALTHY
from pipelines.cli.main import main
from pipelines.doctor.backend import examine_backend
from pipelines.doctor.store import MOST_SKEW_SECONDS
from pipelines.kfp.endpoint import Address
from support import kfp_api
from support.kfp_api import Api, Said, error
from support.kubernetes_api import kubeconfig, routes

RUNS, SCHEDULES = "GET /apis/v2beta1/runs", "GET /apis/v2beta1/recurringruns"


@pytest.fixture
def api() -> Iterator[Api]:
    with kfp_api.serve({RUNS: Said({"total_size": 7}), SCHEDULES: Said()}) as served:
        yield served


def test_a_good_backend(api: Api) -> None:
    (answers, runs, schedules, clock), version = examine_backend(Address(api.url, "team"))
    assert version == "2.17.0"
    assert {check.ok for check in (answers, runs, schedules, clock)} == {True}
    assert answers.found == f"{api.url}, version 2.17.0, for one user"
    assert (runs.found, schedules.found) == ("7 runs", "0 recurring runs")
    assert clock.found == "0 s apart"


def test_no_check_runs_after_the_first_failure(api: Api) -> None:
    api.routes[RUNS] = error(403, "User is not authorized")
    (answers, runs, schedules, clock), _ = examine_backend(Address(api.url, "team"))
    assert (answers.ok, runs.ok, schedules.ok, clock.ok) == (True, False, None, None)
    assert "ask for permission" in runs.found


@pytest.mark.parametrize("off_by", [-2 * MOST_SKEW_SECONDS, 2 * MOST_SKEW_SECONDS])
def test_a_skewed_clock_is_reported(api: Api, off_by: float) -> None:
    (*_, clock), _ = examine_backend(Address(api.url, "team"), clock=lambda: time.time() + off_by)
    assert clock.ok is False
    assert "NTP" in clock.found


def test_the_command_looks_at_everything(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api.routes |= routes()
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, api.url)))
    command = ["doctor", "--store", str(tmp_path / "store"), "--host", api.url, "--profile", "gpu-l4", "--json"]
    assert main(command) == EXIT_UNHEALTHY
    output = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert {"store opens", "Kubeflow Pipelines answers", "Kubernetes answers", "Kueue"} <= set(output)
    assert [name for name, each in output.items() if each["ok"] is False] == ["pods reach the store"]
    assert "on this machine, where no pod can read it" in output["pods reach the store"]["found"]
    assert main([*command, "--image", "nowhere.invalid/gan:1"]) == EXIT_UNHEALTHY
    failed = [each for each in json.loads(capsys.readouterr().out)["checks"] if each["ok"] is False]
    assert [each["name"] for each in failed] == ["pods reach the store", "image"]
