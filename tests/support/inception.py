"""A small graph with the tensor names and shapes of the canonical Inception network."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def make_graph(*, features: int = 2048, entry: str = "ExpandDims", last: str = "pool_3") -> bytes:
    """Resizes to 299 x 299, averages over the picture, and repeats the three means over `features` channels."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        picture = v1.placeholder(tf.uint8, [None, None, 3], name="DecodeJpeg")
        images = tf.expand_dims(tf.cast(picture, tf.float32), 0, name=entry)
        resized = tf.raw_ops.ResizeBilinear(images=images, size=[299, 299], name="ResizeBilinear")
        means = tf.nn.avg_pool2d(resized, 299, 1, "VALID")
        repeated = np.tile(np.eye(3), features // 3 + 1)[:, :features].reshape(1, 1, 3, features)
        tf.nn.conv2d(means, tf.constant(repeated, tf.float32), 1, "VALID", name=last)
        return bytes(graph.as_graph_def().SerializeToString())
