"""A small graph with the tensor names and shapes of the canonical Inception network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope="session")
def inception_graph() -> Callable[..., bytes]:
    """Makes a graph that resizes to 299 x 299, averages, and spreads the three means over `features` channels."""

    def make(*, features: int = 2048, entry: str = "ExpandDims", exit: str = "pool_3") -> bytes:
        v1 = tf.compat.v1
        with tf.Graph().as_default() as graph:
            picture = v1.placeholder(tf.uint8, [None, None, 3], name="DecodeJpeg")
            images = tf.expand_dims(tf.cast(picture, tf.float32), 0, name=entry)
            resized = v1.image.resize_bilinear(images, [299, 299], name="ResizeBilinear")
            means = v1.nn.avg_pool(resized, [1, 299, 299, 1], [1, 1, 1, 1], "VALID")
            spread = tf.constant(
                np.tile(np.eye(3), features // 3 + 1)[:, :features].reshape(1, 1, 3, features), tf.float32
            )
            tf.nn.conv2d(means, spread, 1, "VALID", name=exit)
            return bytes(graph.as_graph_def().SerializeToString())

    return make
