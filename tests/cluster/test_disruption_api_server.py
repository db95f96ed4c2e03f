"""Kubeflow's API server is taken away while a client waits for a run: it is patient, and tells how the run ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from gan.errors import EXIT_RUN_CANCELED
from pipelines.kfp.wait import POLL_INTERVAL_SECONDS
from support import disruption, serial_lock
from support.cluster import Cluster, until

Begin = Callable[..., str]


@pytest.fixture(scope="module", autouse=True)
def undisturbed() -> None:
    """This file is what disturbs the others, and waits until they are done."""


def test_the_api_server_restarts_during_a_wait(cluster: Cluster, begun: Begin, tmp_path: Path) -> None:
    run = begun(image="gan-pipelines:nowhere")
    health = f"{cluster.host}/apis/v2beta1/healthz"
    program = shutil.which("gan-pipelines", path=os.path.dirname(sys.executable)) or "gan-pipelines"
    heard = tmp_path / "heard"
    with (
        heard.open("w") as stderr,
        subprocess.Popen([program, "wait", run], env=cluster.environment(), stderr=stderr) as waiting,
    ):
        try:
            until(lambda: "run running" in heard.read_text(), seconds=60, what="`gan-pipelines wait` waits")
            with serial_lock.alone(), disruption.scaled_to_nothing("deployment/ml-pipeline"):
                until(lambda: not answers(health), seconds=60, what="the API server is gone")
                time.sleep(2 * POLL_INTERVAL_SECONDS)  # so that it is asked for in vain
            until(lambda: answers(health), seconds=120, what="the API server is back")
            assert waiting.poll() is None, heard.read_text()
            cluster.cancel(run)
            assert waiting.wait(120) == EXIT_RUN_CANCELED, heard.read_text()
        finally:
            waiting.kill()


def answers(url: str) -> bool:
    try:
        return bool(requests.get(url, timeout=5).ok)
    except requests.RequestException:
        return False
