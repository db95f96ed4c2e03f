"""Tiny networks and batches made in memory, for everything that needs no prepared dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from gan.config import Config, from_dict, override
from gan.data.spec import Dataset, Split
from gan.store import Store, open_store
from gan.train.checkpoint.async_checkpointer import AsyncCheckpointer
from gan.train.checkpoint.attempts import take_over
from gan.train.checkpoint.files import Checkpoints
from gan.train.checkpoint.writer import CheckpointWriter
from gan.train.distributed.replicas import Replicas
from gan.train.logging.recorder import Recorder, forget_after
from gan.train.logging.sample_sheets import SampleSheet
from gan.train.loop import Loop
from gan.train.run import Run
from gan.train.session import train_state_of, training_step
from gan.train.state import TrainState
from gan.train.step import TrainingStep
from gan.train.stop_signals import StopRequest

SIDE, CLASSES = 8, ("even", "odd", "neither")
TOY = {
    "name": "toy",
    "generator": {"width": 0.03, "latent_size": 5},
    "discriminator": {"width": 0.05},
    "train": {
        "steps": 9,
        "batch_size": 4,
        "ema_decay": 0.9,
        "checkpoint_every_steps": 4,
        "log_every_steps": 2,
        "sample_every_steps": 3,
        "generator_learning_rate": 0.002,
    },
}


class Toy:
    """8 x 8 grey images of three classes; described, but nowhere in a store."""

    dataset = Dataset(
        id="toy-1",
        source="digits",
        matches_published_checksums=None,
        image_size=SIDE,
        channels=1,
        crop=None,
        resizer="bicubic",
        classes=CLASSES,
        attributes=(),
        splits={"train": Split(64, ())},
    )

    def config(self, *sets: str) -> Config:
        """Networks of a few channels, batches of 4, a checkpoint every 4 of 9 steps."""
        return override(from_dict(TOY), sets)

    def train_state(self, config: Config, replicas: Replicas | None = None) -> TrainState:
        run = Run("r", self.dataset.id, config, precision=config.train.precision)
        return train_state_of(run, self.dataset, replicas or Replicas())

    def step(self, config: Config, state: TrainState, replicas: Replicas | None = None) -> TrainingStep:
        return training_step(state, config, replicas or Replicas())

    def batches(self, config: Config, first: int = 0) -> Iterator[dict[str, tf.Tensor]]:
        """Batch `first` and those after it, each a function of its number."""
        number = first
        while True:
            random = np.random.default_rng([config.train.seed, number])
            shape = (config.train.batch_size, SIDE, SIDE, 1)
            yield {
                "images": tf.constant(random.uniform(-1, 1, shape), tf.float32),
                "labels": tf.constant(random.integers(len(CLASSES), size=shape[0]), tf.int32),
            }
            number += 1

    def train(
        self, store: Store, config: Config, *, stop_after: int | None = None, poison: int | None = None
    ) -> tuple[Loop, StopRequest]:
        """Train run r from its last checkpoint, as `gan.steps.train` does.

        Args:
            stop_after: a SIGTERM arrives while this step is under way.
            poison: the images of this step are not finite.
        """
        run = Run("r", self.dataset.id, config)
        lease = take_over(store, "r")
        start = Checkpoints(store, "r").latest_good()
        done = start.step if start else 0
        lease.record_resume_step(done)
        state = self.train_state(config)
        if start:
            state.restore(start.tensors, where="the checkpoint")
        take, stop = self.step(config, state), StopRequest()

        def take_step(step: int, batches: list[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
            if step == poison:
                batches = [{**batch, "images": batch["images"] * np.nan} for batch in batches]
            if step == stop_after:
                stop.ask(15)
            return take(step, batches)

        classes = len(CLASSES) if config.generator.conditional else None
        sheet = SampleSheet(state.ema, config.generator.latent_size, config.train.seed, classes)
        batches = self.batches(config, done * config.train.discriminator_steps)
        forget_after(store, "r", done)
        checkpointer = AsyncCheckpointer(
            CheckpointWriter(store, "r", lease, config.train, done=done),
            max_pending=config.train.keep_checkpoints,
            timeout_seconds=5,
            pause_seconds=0.01,
        )
        with checkpointer, Recorder("r", done, checkpointer.folder) as recorder:
            loop = Loop(run, state, take_step, batches, sheet, recorder, checkpointer, done=done, stop=stop)
            loop.train()
        return loop, stop


@pytest.fixture(scope="session")
def toy() -> Toy:
    return Toy()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def other_store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "other"))
