"""Two real processes train one run; see gan.train.distributed.strategy."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

from gan.config import Data, from_dict
from gan.steps.preprocess import preprocess
from gan.steps.train import train
from gan.store import Store, open_store
from gan.train.checkpoint.files import Checkpoints
from gan.train.distributed.workers import ADDRESSES, INDEX
from tests.steps.test_train import TINY


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def started(store: Store, dataset_id: str, config: Path, errors: Path) -> list[subprocess.Popen[str]]:
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
    command = [sys.executable, "-m", "gan", "train", "--store", store.uri, "--config", str(config)]
    command += ["--dataset-id", dataset_id, "--run-id", "two", "--set", "train.steps=1000000"]
    command += ["--set", "train.checkpoint_every_steps=1000000", "--set", "train.log_every_steps=1000000"]
    made = []
    for index in range(2):
        environ = {**os.environ, ADDRESSES: addresses, INDEX: str(index), "CUDA_VISIBLE_DEVICES": ""}
        with (errors / f"{index}.txt").open("w") as file:
            made.append(subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=file, text=True))
    return made


def test_two_workers_stop_together_where_one_process_would_be(tmp_path: Path) -> None:
    """SIGTERM to the worker that publishes nothing: both save the same step, and it is the one of a single process."""
    store = open_store(str(tmp_path / "store"))
    dataset_id = preprocess(store, Data(dataset="digits", image_size=8), workers=1).id
    config = tmp_path / "tiny.yaml"
    config.write_text(json.dumps(TINY), encoding="utf-8")
    chief, follower = started(store, dataset_id, config, tmp_path)
    try:
        while '"event": "train"' not in (tmp_path / "1.txt").read_text():  # it reports its first step
            assert follower.poll() is None, (tmp_path / "1.txt").read_text()[-2000:]
            with contextlib.suppress(subprocess.TimeoutExpired):
                follower.wait(timeout=0.2)
        follower.send_signal(signal.SIGTERM)
        codes = [each.wait(timeout=120) for each in (chief, follower)]
    finally:
        chief.kill()
        follower.kill()
    assert codes == [143, 143], (tmp_path / "0.txt").read_text()[-2000:]
    (step,) = Checkpoints(store, "two").steps()
    assert f"Step {step} is saved" in (tmp_path / "1.txt").read_text()
    alone = from_dict({**TINY, "train": {**TINY["train"], "steps": step, "sample_every_steps": 1000000}})
    train(store, alone, dataset_id, run_id="one")
    one, _ = Checkpoints(store, "one").load(step)
    two, _ = Checkpoints(store, "two").load(step)
    assert set(one) == set(two)
    for network in ("generator/", "discriminator/", "ema/"):
        names = [name for name in one if name.startswith(network)]
        mine, theirs = (np.concatenate([run[name].ravel() for name in names]) for run in (one, two))
        # how many steps there were is a matter of speed, and rounding grows with them
        assert np.linalg.norm(theirs - mine) < 1e-2 * np.linalg.norm(mine), (network, step)
