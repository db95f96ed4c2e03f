"""Pods that can't begin, or can't do their work: `status` says why, and the run goes on once it is mended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gan.errors import EXIT_RUN_CANCELED, EXIT_RUN_FAILED
from support import disruption
from support.cluster import Cluster, kubectl
from support.disruption import GPU

Begin = Callable[..., str]
FIRST = "preprocess"
ONE_GPU = {FIRST: {"accelerator": GPU}}


def test_an_image_that_is_nowhere(cluster: Cluster, begun: Begin) -> None:
    run = begun(image="gan-pipelines:nowhere")
    why = cluster.until_step(run, FIRST, "pending", why="Image")["why"]
    assert "gan-pipelines:nowhere" in why
    assert why.endswith("check that the image exists and that the node may pull it")
    assert cluster.cancel(run).record["state"] == "CANCELED"
    assert cluster.pods(run) == []
    assert cluster.wait(run).exit_code == EXIT_RUN_CANCELED


def test_a_quota_that_is_used_up(cluster: Cluster, begun: Begin, tmp_path: Path) -> None:
    with disruption.quota(**{f"requests.{GPU}": "0"}) as quota:
        run = begun(profile=disruption.profile(tmp_path, steps=ONE_GPU))
        why = cluster.until_step(run, FIRST, "pending", why="quota")["why"]
        assert f"exceeded quota: {quota}, requested: requests.{GPU}=1, used: requests.{GPU}=0" in why
        assert cluster.pods(run) == []
    cluster.until_step(run, FIRST, "done" if disruption.gpus() else "pending", why="" if disruption.gpus() else GPU)


def test_no_gpu_is_free(cluster: Cluster, begun: Begin, tmp_path: Path) -> None:
    with disruption.namespace() as elsewhere:
        if disruption.gpus():
            everything = {"limits": {GPU: disruption.gpus()}}
            holder = disruption.pod("holder", cluster.image, ["sleep", "600"], resources=everything)
            kubectl("-n", elsewhere, "create", "-f", "-", stdin=holder)
            kubectl("-n", elsewhere, "wait", "pod/holder", "--for=condition=Ready", "--timeout=120s")
        run = begun(profile=disruption.profile(tmp_path, steps=ONE_GPU))
        why = cluster.until_step(run, FIRST, "pending", why=GPU)["why"]
        assert why.startswith("no node takes it: ")
        assert f"Insufficient {GPU}" in why
        if disruption.gpus():
            kubectl("-n", elsewhere, "delete", "pod", "holder", "--grace-period=0", "--force")
            cluster.until_step(run, FIRST, "done")


def test_the_secret_of_the_store_is_missing(cluster: Cluster, begun: Begin, tmp_path: Path) -> None:
    with disruption.name_of_secret() as secret:
        run = begun(profile=disruption.profile(tmp_path, store_secret=secret))
        why = cluster.until_step(run, FIRST, "pending", why=secret)["why"]
        assert why == (
            f'CreateContainerConfigError: secret "{secret}" not found; create it, and the pod starts by itself'
        )
        disruption.put_store_secret(secret)
        assert cluster.until_step(run, FIRST, "done")["tries"] == 1


def test_the_secret_of_the_store_is_wrong(cluster: Cluster, begun: Begin, tmp_path: Path) -> None:
    once_more = {"retries": 1, "backoff_seconds": 1}
    with disruption.name_of_secret() as secret:
        disruption.put_store_secret(secret, AWS_SECRET_ACCESS_KEY="not the right one")  # noqa: S106
        run = begun(profile=disruption.profile(tmp_path, store_secret=secret, default=once_more))
        told = cluster.wait(run)
        assert told.exit_code == EXIT_RUN_FAILED, told
        why = cluster.step(run, FIRST)["why"]
        assert why.startswith("no permission for s3://gan (status 403, SignatureDoesNotMatch: ")
        assert "or sign in as another account: " in why
        assert told.record["error"] == f"{FIRST}: {why}"
        disruption.put_store_secret(secret)
        cluster.command("retry", run)
        cluster.until_step(run, FIRST, "done")


def test_out_of_memory(cluster: Cluster, begun: Begin, tmp_path: Path) -> None:
    little = {"retries": 1, "backoff_seconds": 1, "memory": "160Mi"}
    run = begun(profile=disruption.profile(tmp_path, steps={FIRST: little}))
    told = cluster.wait(run)
    assert told.exit_code == EXIT_RUN_FAILED, told
    step = cluster.step(run, FIRST)
    assert step["why"] == (
        "out of memory (its limit is 160Mi); give the step more in the profile, or the config less to do"
    )
    assert step["tries"] == 2
    assert told.record["error"] == f"{FIRST}: {step['why']}"
