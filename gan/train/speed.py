"""How long the training step of a run takes on this machine."""

from __future__ import annotations

import statistics
import time

import tensorflow as tf

from gan.data.spec import Dataset
from gan.train.distributed.replicas import Replicas
from gan.train.run import Run
from gan.train.session import train_state_of, training_step
from gan.util.log import Clock

WARM_UP_STEPS = 3
MIN_STEPS = 5
SECONDS = 2.0


def seconds_per_step(run: Run, dataset: Dataset, clock: Clock = time.monotonic) -> float:
    """The median time of a training step, on random images, with the run's networks and precision.

    At least MIN_STEPS steps are timed, and at least SECONDS. The networks are made for this and dropped: the run's own
    state and random numbers are not touched.
    """
    train = run.config.train
    state = train_state_of(run, dataset, Replicas())
    take_step = training_step(state, run.config, Replicas())
    batch = {
        "images": tf.random.stateless_uniform([train.batch_size, *dataset.image_shape], [1, 2], -1.0, 1.0),
        "labels": tf.zeros([train.batch_size], tf.int32),
    }
    times: list[float] = []
    for number in range(1, WARM_UP_STEPS + 1):
        take_step(number, [batch] * train.discriminator_steps)["generator_loss"].numpy()
    while len(times) < MIN_STEPS or sum(times) < SECONDS:
        began = clock()
        take_step(WARM_UP_STEPS + 1 + len(times), [batch] * train.discriminator_steps)["generator_loss"].numpy()
        times.append(clock() - began)
    return statistics.median(times)
