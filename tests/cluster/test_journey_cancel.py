"""Two workers train together in a JobSet, or an Indexed Job; one is lost, the run is canceled, and retried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gan.errors import WorkerLostError
from support.cluster import Cluster, Told, kubectl, until
from support.run_lifecycle import TRAINING, details, step

STEPS = 800
LABELS = ("pipeline/runid", "gan-pipelines/run")


@dataclass(frozen=True)
class Canceled:
    """A run that lost a worker and was canceled: its workers, what cancel and wait told, and what was left.

    `lost` is how the attempt ended whose worker was deleted.
    """

    run: str
    workers: list[dict[str, Any]]
    lost: dict[str, Any]
    told: Told
    waited: Told
    left: list[str]
    saved: int


@pytest.fixture(scope="module")
def kinds() -> str:
    """What can be left of a run in this cluster."""
    has_jobset = "jobsets.jobset.x-k8s.io" in kubectl("get", "crd", "-A", "-o", "name")
    return "pods,jobs,services" + (",jobsets" if has_jobset else "")


@pytest.fixture(scope="module")
def canceled(
    cluster: Cluster, shared_store: str, kinds: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Canceled]:
    profile = tmp_path_factory.mktemp("profile") / "two-workers.yaml"
    profile.write_text("extends: local\nsteps: {train: {workers: 2}}\n")
    sets = (f"train.steps={STEPS}", "train.checkpoint_every_steps=50", "train.keep_checkpoints=3")
    run = cluster.submit(shared_store, *sets, profile=str(profile), run_id="canceled")
    cluster.running_pod(run, "train")
    workers = until(lambda: cluster.running_workers(run, 2), seconds=300, what=f"two workers of {run} run")
    until(lambda: last_saved(cluster, shared_store), seconds=300, what=f"{run} saved a checkpoint")
    kubectl("delete", "pod", workers[1]["metadata"]["name"], "--grace-period=0", "--force")
    lost = until(lambda: ended_attempt(cluster, run), seconds=300, what=f"the attempt at {run} ends that lost a worker")
    until(lambda: other_workers(cluster, run, workers), seconds=300, what=f"two other workers of {run} run")
    told = cluster.cancel(run)
    left = what_is_left(run, kinds)
    waited = cluster.wait(run)
    yield Canceled(run, workers, lost, told, waited, left, last_saved(cluster, shared_store))
    cluster.cancel(run)


@pytest.fixture(scope="module")
def retried(cluster: Cluster, canceled: Canceled) -> Told:
    cluster.command("retry", canceled.run)
    return cluster.wait(canceled.run)


def ended_attempt(cluster: Cluster, run: str) -> dict[str, Any] | None:
    """The first attempt at training, once it has ended."""
    attempts = cluster.step(run, "train")["attempts"]
    return dict(attempts[0]) if attempts and attempts[0]["ended_at"] else None


def other_workers(cluster: Cluster, run: str, than: list[dict[str, Any]]) -> bool:
    """Whether two workers run that are none of those."""
    now, before = ({pod["metadata"]["uid"] for pod in pods} for pods in (cluster.running_workers(run, 2), than))
    return bool(now) and not now & before


def last_saved(cluster: Cluster, store: str) -> int:
    """The last step that the run canceled@... saved; 0 where it saved none."""
    found = cluster.command("inspect", "--store", store, program="gan").record["objects"]
    steps = [int(each["id"].rpartition("@")[2]) for each in found if each["id"].startswith("canceled@")]
    return max(steps, default=0)


def what_is_left(run: str, kinds: str) -> list[str]:
    """Everything that Kubernetes still has of a run, but for its workflow."""
    return [name for label in LABELS for name in kubectl("get", kinds, "-l", f"{label}={run}", "-o", "name").split()]


def test_workers_are_of_our_image_and_without_a_token(cluster: Cluster, canceled: Canceled) -> None:
    for pod in canceled.workers:
        assert [each["image"] for each in pod["spec"]["containers"]] == [cluster.image]
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_worker_that_is_lost_ends_the_attempt_and_the_next_one_has_new_workers(canceled: Canceled) -> None:
    assert canceled.lost["state"] == "failed"
    assert canceled.lost["exit_code"] == WorkerLostError.exit_code
    assert "worker 1 (pod " in canceled.lost["error"]


def test_cancel_leaves_no_pod_no_job_and_no_jobset(canceled: Canceled) -> None:
    assert canceled.left == []
    assert canceled.told.record["state"] == "CANCELED"
    assert canceled.told.record["deleted"] > 0


def test_a_canceled_run_is_distinguished_from_a_failed_one(cluster: Cluster, canceled: Canceled) -> None:
    assert canceled.waited.exit_code == 18
    assert canceled.waited.record["state"] == "CANCELED"
    assert step(canceled.waited.record, "train")["state"] == "canceled"
    assert step(canceled.waited.record, "preprocess")["state"] in ("done", "in the store already")
    assert 0 < canceled.saved < STEPS


def test_retry_continues_from_the_checkpoint(retried: Told, canceled: Canceled) -> None:
    assert retried.exit_code == 0, retried.stdout + retried.stderr
    steps = retried.record["steps"]
    assert {each["step"] for each in steps} == set(TRAINING)
    assert details(retried.record, "train")["resumed_from"] >= canceled.saved
    assert details(retried.record, "train")["steps"] == STEPS
    done = {each["step"]: [one["state"] for one in each["attempts"]] for each in steps}
    assert done["preprocess"] == done["reference"] == ["done"], "what was done is not done again"


def test_the_first_worker_s_log_is_that_of_the_step(cluster: Cluster, retried: Told, canceled: Canceled) -> None:
    shown = cluster.command("logs", canceled.run, "--step", "train").stderr
    assert f'"checkpoint saved", "step": {STEPS}' in shown, shown


def test_workers_are_gone_when_training_is_done(retried: Told, canceled: Canceled, kinds: str) -> None:
    assert not [name for name in what_is_left(canceled.run, kinds) if "train-" in name]
