"""A real cluster as the tests see it: the command line that a user has, and kubectl."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

NAMESPACE = "kubeflow"
T = TypeVar("T")

NARROW = (
    "data.image_size=8",
    "generator.width=0.03",
    "generator.latent_size=6",
    "discriminator.width=0.05",
    "train.steps=20",
    "train.batch_size=64",
    "train.checkpoint_every_steps=10",
    "train.sample_every_steps=10",
    "train.log_every_steps=5",
    "reference.epochs=1",
    "evaluate.samples=200",
    "evaluate.kid_subsets=5",
    "evaluate.kid_subset_size=50",
    "gate.limits={}",
)
"""The digits, as small as they go: a whole pipeline in about three minutes."""


@dataclass(frozen=True)
class Told:
    """What a command said; `record` is its JSON, empty where it gave none."""

    exit_code: int
    stdout: str
    stderr: str
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cluster:
    """Kubeflow Pipelines at `host`, our image in its nodes, and a store of S3 that we see at `s3_endpoint`."""

    host: str
    image: str
    s3_endpoint: str
    keys: dict[str, str]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a user's commands."""
        store = {**self.keys, "AWS_ENDPOINT_URL": self.s3_endpoint, "AWS_REGION": "us-east-1"}
        return {**os.environ, **store, "KFP_HOST": self.host, "KFP_NAMESPACE": NAMESPACE, **more}

    def command(
        self, *arguments: str, program: str = "gan-pipelines", check: bool = True, timeout: float = 900, **more: str
    ) -> Told:
        """Run one of our commands with --json, as a user does; fails the test where it does not exit with 0."""
        done = subprocess.run(
            [shutil.which(program, path=os.path.dirname(sys.executable)) or program, *arguments, "--json"],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment(**more),
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{program} {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        lines = done.stdout.strip().splitlines()
        record = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        return Told(done.returncode, done.stdout, done.stderr, record)

    def submit(self, store: str, *sets: str, config: str = "digits", pipeline: str = "training", **flags: str) -> str:
        """Submit a small run and return its id."""
        arguments = ["submit", "--pipeline", pipeline, "--config", config, "--store", store]
        arguments += ["--image", self.image, "--allow-tag"]
        for name, value in {"profile": "local", **flags}.items():
            arguments += [f"--{name.replace('_', '-')}", value]
        for item in (*NARROW, *sets):
            arguments += ["--set", item]
        return str(self.command(*arguments).record["id"])

    def status(self, run: str) -> dict[str, Any]:
        """What `gan-pipelines status RUN` knows, however the run is doing."""
        told = self.command("status", run, check=False)
        if not told.record:
            raise AssertionError(f"gan-pipelines status {run}: {told.exit_code}\n{told.stdout}\n{told.stderr}")
        return told.record

    def step(self, run: str, step: str) -> dict[str, Any]:
        """What `status` tells of one step; its state is "to come" where it has not begun."""
        found = [each for each in self.status(run)["steps"] if each["step"] == step]
        return found[-1] if found else {"step": step, "state": "to come", "why": "", "tries": 0, "attempts": []}

    def until_step(self, run: str, step: str, state: str, *, why: str = "", seconds: float = 600) -> dict[str, Any]:
        """What `status` tells of a step as soon as it is in a state, for a reason that contains `why`."""
        seen: dict[str, Any] = {}

        def look() -> bool:
            seen.update(self.step(run, step))
            return bool(seen["state"] == state and why in seen["why"])

        until(look, seconds=seconds, what=lambda: f"{step} is {state} {why!r}; it is {seen}")
        return seen

    def cancel(self, run: str) -> Told:
        """Stop a run and delete what it left."""
        return self.command("cancel", run)

    def wait(self, run: str, *, seconds: float = 1200) -> Told:
        """Wait until a run has ended; its exit code tells how."""
        told = self.command("wait", run, "--timeout", f"{seconds:.0f}s", check=False, timeout=seconds + 60)
        if not told.record:
            raise AssertionError(f"gan-pipelines wait {run}: {told.exit_code}\n{told.stdout}\n{told.stderr}")
        return told

    def pods(self, run: str, step: str | None = None) -> list[dict[str, Any]]:
        """The pods of a run's steps that run our image, or those of one step."""
        found = kubectl_json("get", "pods", "-l", f"pipeline/runid={run}")["items"]
        ours = [pod for pod in found if "gan-pipelines/step" in pod["metadata"]["labels"]]
        return [pod for pod in ours if step in (None, pod["metadata"]["labels"]["gan-pipelines/step"])]

    def workers(self, run: str) -> list[dict[str, Any]]:
        """The pods that the step train made to train together."""
        found: list[dict[str, Any]] = kubectl_json("get", "pods", "-l", f"gan-pipelines/run={run}")["items"]
        return found

    def running_workers(self, run: str, count: int) -> list[dict[str, Any]]:
        """Those pods once there are so many and all of them run; none before."""
        pods = self.workers(run)
        return pods if [pod["status"]["phase"] for pod in pods] == ["Running"] * count else []

    def running_pod(self, run: str, step: str, *, seconds: float = 600, but: tuple[str, ...] = ()) -> str:
        """The name of a step's pod as soon as its container runs; never one of `but`."""

        def look() -> str | None:
            for pod in self.pods(run, step):
                statuses = pod["status"].get("containerStatuses", [])
                main = [each for each in statuses if each["name"] == "main" and "running" in each["state"]]
                if main and pod["metadata"]["name"] not in but and "deletionTimestamp" not in pod["metadata"]:
                    return str(pod["metadata"]["name"])
            return None

        return until(look, seconds=seconds, what=f"{step} of {run} runs")


def kubectl(*arguments: str, check: bool = True, stdin: str | None = None, timeout: float = 300) -> str:
    """What kubectl prints, in the namespace of the runs unless `-n` or `-A` says otherwise."""
    place = [] if {"-n", "-A", "--namespace"} & set(arguments) else ["-n", NAMESPACE]
    done = subprocess.run(
        ["kubectl", *place, *arguments], capture_output=True, text=True, input=stdin, timeout=timeout, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"kubectl {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + ("" if check else done.stderr)


def kubectl_json(*arguments: str) -> Any:
    """What kubectl prints with -o json."""
    return json.loads(kubectl(*arguments, "-o", "json"))


def until(look: Callable[[], T | None], *, seconds: float, what: str | Callable[[], str]) -> T:
    """Look again and again until there is something to see; `what` that is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(1)
    raise AssertionError(f"not so after {seconds:.0f} s: {what if isinstance(what, str) else what()}")


@contextlib.contextmanager
def forwarded(resource: str, port: int) -> Iterator[str]:
    """A port of a service or pod on this machine; yields its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        local = free.getsockname()[1]
    command = ["kubectl", "-n", NAMESPACE, "port-forward", resource, f"{local}:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not re.match("Forwarding from", line):
                raise AssertionError(f"{' '.join(command)}: {line}")
            yield f"http://127.0.0.1:{local}"
        finally:
            process.terminate()


@contextlib.contextmanager
def within_reach(service: str, port: int) -> Iterator[str]:
    """The URL of a service: its own address where the cluster is this very machine, a forwarded port elsewhere."""
    direct = f"http://{kubectl_json('get', 'service', service)['spec']['clusterIP']}:{port}"
    try:
        requests.get(direct, timeout=5)
    except requests.RequestException:
        with forwarded(f"service/{service}", port) as url:
            yield url
    else:
        yield direct
