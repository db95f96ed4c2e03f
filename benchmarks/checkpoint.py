"""The cost of checkpoints: their share of training time at a config's interval, their size, and the time to resume.

Measured in a real run of `--intervals` intervals. On the training thread a checkpoint copies the state from the device
and checks that it is finite; writing, hashing and uploading happen in the background. "at most" counts the CPU time of
the background work as if training had lost all of it.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan import build, config
from gan.config import Config
from gan.data import spec
from gan.steps.preprocess import preprocess
from gan.steps.train import train
from gan.store import Store, open_store
from gan.train.checkpoint.files import Checkpoints
from gan.train.checkpoint.writer import CheckpointWriter
from gan.train.loop import Loop
from gan.train.state import make_train_state


def timed(owner: type, name: str, clock: Callable[[], float]) -> list[float]:
    """Make every call of a method append its seconds to the returned list."""
    original, seconds = getattr(owner, name), []

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        began = clock()
        try:
            return original(*args, **kwargs)
        finally:
            seconds.append(clock() - began)

    setattr(owner, name, call)
    return seconds


def resume_seconds(store: Store, settings: Config, dataset_id: str, run_id: str) -> float:
    """Seconds to find, read and verify the last checkpoint, and to load it into existing networks."""
    dataset = spec.load(store, dataset_id)
    state = make_train_state(
        build.build_generator(settings, dataset),
        build.build_discriminator(settings, dataset),
        build.build_optimizer(settings, settings.train.generator_learning_rate),
        build.build_optimizer(settings, settings.train.discriminator_learning_rate),
    )
    began = time.perf_counter()
    found = Checkpoints(store, run_id).latest_good()
    if found is None:
        raise SystemExit("the run left no checkpoint")
    state.restore(found.tensors, where="the checkpoint")
    return time.perf_counter() - began


def measure(store: Store, settings: Config, intervals: int) -> dict[str, str]:
    """Train, and measure the checkpoints."""
    every = settings.train.checkpoint_every_steps
    dataset_id = preprocess(store, settings.data).id
    handing_over = timed(Loop, "_save", time.perf_counter)
    stepping = timed(Loop, "_train_step", time.perf_counter)
    publishing, working = (
        timed(CheckpointWriter, "publish", time.perf_counter),
        timed(CheckpointWriter, "publish", time.thread_time),
    )
    run_id = train(store, config.override(settings, [f"train.steps={intervals * every}"]), dataset_id).id
    handed, spent = statistics.mean(handing_over[:intervals]), statistics.mean(working)
    interval = sum(stepping[1:]) / len(stepping[1:]) * every  # the first step compiles
    checkpoints = Checkpoints(store, run_id)
    size = checkpoints.read_meta(checkpoints.steps()[-1])["size"]
    return {
        "config": f"{settings.name}, a checkpoint every {every} steps",
        "store": store.uri.partition("://")[0] if "://" in store.uri else "local folder",
        "size": f"{size / 1e6:.1f} MB",
        "training an interval": f"{interval:.1f} s",
        "on the training thread": f"{handed * 1000:.0f} ms",
        "in the background": f"{statistics.mean(publishing):.2f} s, of which {spent:.2f} s of CPU time",
        "share of training time": f"{handed / interval:.2%}",
        "share at most": f"{(handed + spent) / interval:.2%}",
        "resume": f"{resume_seconds(store, settings, dataset_id, run_id):.2f} s",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="digits", help="a shipped config or a file; its networks and its interval")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the config")
    parser.add_argument("--intervals", type=int, default=2, help="number of checkpoints")
    parser.add_argument("--store", help="default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(arguments.store or str(Path(folder) / "store"))
        figures = measure(store, config.load(arguments.config, arguments.set), arguments.intervals)
    width = max(map(len, figures))
    for name, figure in figures.items():
        print(f"{name:<{width}}  {figure}")


if __name__ == "__main__":
    main()
