"""Images and draws of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gan.augmentations.interface import Draws
from gan.train.distributed.replicas import Replicas
from gan.train.rng import BatchDraws, StatelessRng


@pytest.fixture(scope="session")
def draws_of() -> Callable[..., Draws]:
    """Draws as the training step makes them, for `count` images at a step."""
    return lambda count, step=1: BatchDraws(StatelessRng(0, step, 0, stream=1), count, Replicas())


@pytest.fixture(scope="session")
def images_of() -> Callable[..., Any]:
    """Images float32 of a shape, uniform in [-1, 1)."""
    return lambda *shape: tf.constant(np.random.default_rng(7).uniform(-1, 1, shape), tf.float32)
