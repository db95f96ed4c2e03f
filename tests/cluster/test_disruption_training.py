"""Disruptions while training: the same bits in the end as in a run that nothing disturbed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gan.errors import EXIT_RUN_CANCELED
from support import disruption
from support.cluster import Cluster, kubectl, kubectl_json, until
from support.own_store import OwnStore, own_store
from support.pod_killer import PodKiller
from support.run_lifecycle import TRAINING

Begin = Callable[..., str]
STEPS, EVERY = 1200, 150
SETS = (
    f"train.steps={STEPS}",
    f"train.checkpoint_every_steps={EVERY}",
    f"train.sample_every_steps={STEPS}",
    "train.log_every_steps=100",
)


@dataclass(frozen=True)
class Calm:
    """A training that nothing disturbed: the bits that it ended with, and where what it was made from is."""

    cluster: Cluster
    store: OwnStore
    profile: str
    bits: str

    def begin(self, begun: Begin, run_id: str) -> str:
        """Train the same once more, and wait until the first checkpoint is saved."""
        run = begun(*SETS, store=self.store.uri, profile=self.profile, run_id=run_id)
        self.cluster.running_pod(run, "train")
        until(lambda: self.steps(run_id), seconds=300, what=f"the training {run_id} has a checkpoint")
        return run

    def steps(self, run_id: str) -> list[int]:
        """The steps that a training has checkpoints of."""
        with self.store.seen(self.cluster) as cluster:
            return disruption.checkpoints(cluster, self.store.uri, run_id)

    def attempts_and_bits(self, run: str, run_id: str) -> tuple[list[dict[str, Any]], str]:
        """How the attempts at a training ended, once it is done, and the bits that it ended with."""
        with self.store.seen(self.cluster) as cluster:
            step = cluster.until_step(run, "train", "done", seconds=900)
            return step["attempts"], disruption.bits(cluster, self.store.uri, run_id, STEPS)


@pytest.fixture(scope="module")
def calm(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calm]:
    with own_store() as store:
        profile = disruption.profile(tmp_path_factory.mktemp("calm"), store_secret=store.name)
        untold = Calm(cluster, store, profile, "")
        run = cluster.submit(store.uri, *SETS, profile=profile, run_id="calm")
        try:
            _, bits = untold.attempts_and_bits(run, "calm")
        finally:
            cluster.cancel(run)
        yield dataclasses.replace(untold, bits=bits)


def test_a_node_is_drained(cluster: Cluster, calm: Calm, begun: Begin) -> None:
    run = calm.begin(begun, "drained")
    node = cluster.pods(run, "train")[0]["spec"]["nodeName"]
    others = [each for each in kubectl_json("get", "nodes")["items"] if each["metadata"]["name"] != node]
    try:
        flags = ["--force", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s"]
        kubectl("drain", node, f"--pod-selector=pipeline/runid={run}", *flags)
        saved = calm.steps("drained")[-1]
        assert saved < STEPS
        if not others:
            why = cluster.until_step(run, "train", "pending", why="unschedulable")["why"]
            assert why.startswith("no node takes it: 0/1 nodes are available")
    finally:
        kubectl("uncordon", node)
    (drained, resumed), bits = calm.attempts_and_bits(run, "drained")
    assert (drained["state"], drained["exit_code"]) == ("stopped", 143), drained
    assert f"Step {saved} is saved" in drained["error"], drained
    assert resumed["outcome"]["details"]["resumed_from"] == saved, resumed
    assert bits == calm.bits


def test_a_run_is_canceled_while_it_trains(cluster: Cluster, calm: Calm, begun: Begin) -> None:
    """The step that it was at is saved, though none was due, and `retry` goes on from there."""
    long = ("train.steps=1000000", "train.checkpoint_every_steps=1000000")
    run = begun(*SETS, *long, store=calm.store.uri, profile=calm.profile, run_id="canceled")

    def logged(what: str) -> bool:
        return what in cluster.command("logs", run, "--step", "train", check=False).stderr

    with calm.store.seen(cluster) as seen:
        seen.running_pod(run, "train")
        until(lambda: logged('"event": "train", "done": '), seconds=300, what=f"{run} is in the midst of training")
        assert calm.steps("canceled") == []
        seen.cancel(run)
        assert seen.wait(run).exit_code == EXIT_RUN_CANCELED
        (stopped,) = seen.step(run, "train")["attempts"]
        (saved,) = calm.steps("canceled")
        assert saved > 0
        assert (stopped["state"], stopped["exit_code"]) == ("stopped", 143)
        assert f"Step {saved} is saved" in stopped["error"]
        seen.command("retry", run)
        until(lambda: logged(f'"from_step": {saved}, '), seconds=300, what=f"{run} goes on from {saved}")


def test_the_store_is_down_for_a_minute(cluster: Cluster, calm: Calm, begun: Begin) -> None:
    """Training goes on and keeps its checkpoints until it can save them."""
    run = calm.begin(begun, "dark")
    with calm.store.seen(cluster) as dark, disruption.scaled_to_nothing(calm.store.workload):
        time.sleep(60)
        told = dark.status(run)
        assert any(f"can't read the attempt log in {calm.store.uri}: " in each for each in told["missing"]), told
    (only,), bits = calm.attempts_and_bits(run, "dark")
    assert only["outcome"]["details"]["resumed_from"] is None, only
    assert bits == calm.bits


def test_the_pod_of_each_step_is_deleted(cluster: Cluster, calm: Calm, begun: Begin, store_uri: str) -> None:
    """Each once as soon as its step runs; that of training in the middle of it, and once more by force."""
    run = begun(*SETS, run_id="deleted")
    with PodKiller(run, [step for step in TRAINING if step != "train"]) as pod_killer:
        first = cluster.running_pod(run, "train", seconds=900)
        until(lambda: disruption.checkpoints(cluster, store_uri, "deleted"), seconds=300, what="a checkpoint")
        kubectl("delete", "pod", first)
        saved = disruption.checkpoints(cluster, store_uri, "deleted")[-1]
        second = cluster.running_pod(run, "train", but=(first,))
        until(
            lambda: disruption.checkpoints(cluster, store_uri, "deleted")[-1] > saved,
            seconds=300,
            what=f"a checkpoint after {saved}",
        )
        kubectl("delete", "pod", second, "--grace-period=0", "--force")
        told = cluster.wait(run)
    assert told.exit_code == 0, told
    assert sorted([*pod_killer.deleted, "train"]) == sorted(TRAINING)
    attempts = {step["step"]: [each["state"] for each in step["attempts"]] for step in told.record["steps"]}
    killed = {"stopped", "lost"}  # a force that leaves it a second lets a step say that it was stopped
    assert attempts["train"] in (["stopped", state, "done"] for state in killed), attempts
    short = {"gate", "promote"}  # may end well within their grace, and need no second attempt then
    again = {step["step"] for step in told.record["steps"] if step["tries"] > 1}  # some before they put that on record
    assert again | short == set(TRAINING), attempts
    assert all(states[-1] == "done" for states in attempts.values()), attempts
    assert disruption.bits(cluster, store_uri, "deleted", STEPS) == calm.bits
