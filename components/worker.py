"""One of several workers that train a run together: what runs in a pod that `components.workers` made.

What it is to train stands in the variable GAN_TRAIN_REQUEST. Worker 0 leaves the outcome as its termination
message, and each leaves there what it failed with.
"""

from __future__ import annotations

import dataclasses
import json
import os

from components import runtime
from components.termination import write_last_words
from components.worker_manifests import REQUEST


def main() -> None:
    """Train, and end with the exit code of what went wrong, if anything did."""
    request = json.loads(os.environ[REQUEST])
    with runtime.step("train", request["store"], request["config"]) as step:
        from gan.config import from_yaml
        from gan.steps.train import train
        from gan.store import open_store

        made = train(
            open_store(request["store"]), from_yaml(request["config"]), request["dataset_id"], run_id=request["run_id"]
        )
        write_last_words(json.dumps(dataclasses.asdict(step.done(made))))


if __name__ == "__main__":
    main()
