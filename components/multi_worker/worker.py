"""One of several workers that train a run together, in a pod that `components.multi_worker.launcher` created.

The variable GAN_TRAIN_REQUEST says what to train. Worker 0 leaves the result as its termination message; any worker
leaves its error there.
"""

from __future__ import annotations

import dataclasses
import json
import os

from components.multi_worker.manifests import REQUEST
from components.runtime import context
from components.runtime.termination_message import write


def main() -> None:
    """Train; the exit code says what went wrong, if anything did."""
    request = json.loads(os.environ[REQUEST])
    with context.step("train", request["store"], request["config"]) as step:
        from gan.config import from_yaml
        from gan.steps.train import train
        from gan.store import open_store

        made = train(
            open_store(request["store"]), from_yaml(request["config"]), request["dataset_id"], run_id=request["run_id"]
        )
        write(json.dumps(dataclasses.asdict(step.done(made))))


if __name__ == "__main__":
    main()
