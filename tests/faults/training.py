"""A training run without end, to be stopped and to have its storage taken away."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from typing import Any

from faults.forkserver import Child, Forkserver
from faults.steps import Pipeline
from faults.storage import SOAK
from gan.store import Store

POD_GRACE_SECONDS = 30
GRACE_SECONDS = 25 if SOAK else 8
PREEMPTED = 128 + signal.SIGTERM
ENDLESS = ("--set", "train.steps=1000000", "--set", "train.checkpoint_every_steps=25")


def begin(forkserver: Forkserver, pipeline: Pipeline) -> Child:
    """Begin it, or go on with it."""
    environment = {"GAN_PROGRESS_SECONDS": "0.1", "GAN_GRACE_SECONDS": str(GRACE_SECONDS)}
    task = pipeline.task("train", *ENDLESS)
    return forkserver.begin(replace(task, environment={**task.environment, **environment}))


def run_id_of(store: Store) -> str:
    """The id of the one run in a store."""
    return next(item.key.split("/")[1] for item in store.list("runs"))


def step_of(child: Child) -> int:
    """The last step that was told of."""
    return max((event["done"] for event in child.events() if event["event"] == "train"), default=0)


def trained(child: Child, steps: int) -> int:
    """Wait until this many steps are done."""
    return child.wait_for(lambda: step if (step := step_of(child)) >= steps else None)


def began_from(child: Child) -> int:
    """Wait until it trains; returns the step that it resumes from."""
    return int(told(child, "training run ")["from_step"])


def told(child: Child, words: str) -> dict[str, Any]:
    """Wait for an event with these words in it."""
    return child.wait_for(lambda: next((event for event in child.events() if words in event["event"]), None))


def preempt(child: Child) -> int:
    """SIGTERM; the step that it says is saved."""
    child.send(signal.SIGTERM)
    assert child.ended_within(POD_GRACE_SECONDS)
    assert child.exit_code() == PREEMPTED, child.err[-4000:]
    said = re.search(r"Step (\d+) is saved\.", child.err)
    assert said is not None, child.err[-4000:]
    return int(said[1])
