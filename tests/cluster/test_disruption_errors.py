"""An error that no retry mends ends a run at once, everybody is told of it, and a person's retry tries again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gan.errors import EXIT_RUN_FAILED, DataError
from support import disruption
from support.cluster import Cluster, Told
from support.run_lifecycle import step
from support.webhook import webhook


@dataclass(frozen=True)
class Failed:
    """A retraining whose images are nowhere, with three retries: how it ended, its pods, and what a webhook heard."""

    run: str
    told: Told
    pods: list[dict[str, Any]]
    messages: list[str]


@pytest.fixture(scope="module")
def failed(cluster: Cluster, shared_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failed]:
    name = f"gan-test-{secrets.token_hex(3)}"
    with webhook(cluster, name) as hook:
        patient = {"retries": 3, "backoff_seconds": 1}
        profile = disruption.profile(tmp_path_factory.mktemp("failed"), notify_secret=hook.secret, default=patient)
        sets = ("data.dataset=folder", "data.source=s3://gan/tests/no-images-here")
        run = cluster.submit(shared_store, *sets, pipeline="retraining", profile=profile, name=name)
        told = cluster.wait(run)
        yield Failed(run, told, cluster.pods(run, "preprocess"), hook.messages())
        cluster.cancel(run)


def test_the_error_is_reported_once_and_repeated_without_work(failed: Failed) -> None:
    assert failed.told.exit_code == EXIT_RUN_FAILED, failed.told.stdout + failed.told.stderr
    tried = step(failed.told.record, "preprocess")
    assert tried["tries"] == 4
    assert {each["state"] for each in tried["attempts"]} == {"failed"}
    assert {each["exit_code"] for each in tried["attempts"]} == {DataError.exit_code}
    assert [each["repeated"] for each in tried["attempts"]] == [False, True, True, True]
    (why,) = {each["error"] for each in tried["attempts"]}
    assert why == tried["why"] == "no such file or folder: s3://gan/tests/no-images-here; check data.source (--source)"
    assert failed.told.record["error"] == f"preprocess: {why}"


def test_the_last_words_of_each_pod_are_that_error(failed: Failed) -> None:
    said = {
        status["state"]["terminated"].get("message", "").strip()
        for pod in failed.pods
        for status in pod["status"]["containerStatuses"]
        if status["name"] == "main"
    }
    assert said == {f"preprocess: {step(failed.told.record, 'preprocess')['why']}"}


def test_the_webhook_message_says_which_step_failed_and_why(failed: Failed) -> None:
    (message,) = failed.messages
    assert "failed" in message
    assert "preprocess" in message
    assert step(failed.told.record, "preprocess")["why"] in message


def test_a_persons_retry_tries_again(cluster: Cluster, failed: Failed) -> None:
    cluster.command("retry", failed.run)
    told = cluster.wait(failed.run)
    assert told.exit_code == EXIT_RUN_FAILED
    attempts = step(told.record, "preprocess")["attempts"]
    assert [each["repeated"] for each in attempts] == [False, True, True, True] * 2
