from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from components.multi_worker.manifests import REQUEST
from components.runtime.termination_message import FILE
from gan.config import Data, from_dict
from gan.steps.preprocess import preprocess
from gan.store import open_store
from gan.train.distributed.workers import ADDRESSES, INDEX
from tests.steps.test_train import TINY
from tests.support.servers import free_port


def test_a_worker_whose_partner_never_comes_ends_at_sigterm(tmp_path: Path) -> None:
    """TensorFlow, which would not hear the signal, has not begun to wait."""
    store = open_store(str(tmp_path / "store"))
    dataset_id = preprocess(store, Data(dataset="digits", image_size=8), workers=1).id
    request = {
        "config": from_dict(TINY).to_yaml(),
        "store": store.uri,
        "dataset_id": dataset_id,
        "run_id": "two",
    }
    environ = {
        ADDRESSES: f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}",
        INDEX: "1",
        REQUEST: json.dumps(request),
        FILE: str(tmp_path / "last-words"),
        "CUDA_VISIBLE_DEVICES": "",
    }
    errors = tmp_path / "errors"
    with errors.open("w") as file:
        command = [sys.executable, "-m", "components.multi_worker.worker"]
        process = subprocess.Popen(command, env={**os.environ, **environ}, stderr=file)
    try:
        while "waits for the others" not in errors.read_text():
            assert process.poll() is None, errors.read_text()[-2000:]
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 143  # the grace is 25 s
    finally:
        process.kill()
    assert (tmp_path / "last-words").read_text() == (
        "train: stopped. Not all workers were there and nothing was trained; run the same command on all of them again"
    )
