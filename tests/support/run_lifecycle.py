"""A run on its way: what the commands of a user tell while it is pending, while it trains and once it has ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from components.registry import STEPS
from pipelines.registry import PIPELINES
from support.cluster import Cluster, Told

TRAINING = PIPELINES["training"].steps
MADE = tuple(step for step in TRAINING if STEPS[step].makes)
"""The steps that make something which the store keeps."""


@dataclass(frozen=True)
class Trip:
    """A run; what `status` told at once, while the step train ran, and in the end; `log` is what `logs -f` showed."""

    run: str
    early: Told
    training: Told
    ended: Told
    log: Told

    def step(self, name: str) -> dict[str, Any]:
        """A step as it ended."""
        return step(self.ended.record, name)


def step(record: dict[str, Any], name: str) -> dict[str, Any]:
    """What a record of `status` tells of a step."""
    return next(each for each in record["steps"] if each["step"] == name)


def details(record: dict[str, Any], name: str) -> dict[str, Any]:
    """What the ledger tells of what a step found out."""
    found: dict[str, Any] = record["details"][name]["details"]
    return found


def follow(cluster: Cluster, run: str) -> Trip:
    """Look at a run that was just submitted until it has ended."""
    early = cluster.command("status", run, check=False)
    with ThreadPoolExecutor() as pool:
        log = pool.submit(cluster.command, "logs", run, "--step", "train", "--follow")
        cluster.running_pod(run, "train")
        training = cluster.command("status", run, check=False)
        ended = cluster.wait(run)
        return Trip(run, early, training, ended, log.result())
