"""Parses records into tensors; `gan.data.shards.tfrecord` has the schema."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gan.data.spec import Dataset


def parse(records: Any, dataset: Dataset) -> dict[str, Any]:
    """Tensors of a batch of records.

    Args:
        records: string tensor [B] of serialised examples.
        dataset: the dataset that they belong to.

    Returns:
        "pixels" uint8 [B, H, W, C], "labels" int32 [B], "ids" string [B], and "attributes" int8 [B, A].
    """
    schema = {
        "image/raw": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "id": tf.io.FixedLenFeature([], tf.string),
    }
    if dataset.attributes:
        schema["attributes"] = tf.io.FixedLenFeature([], tf.string)
    found = tf.io.parse_example(records, schema)
    values = {
        "pixels": tf.reshape(tf.io.decode_raw(found["image/raw"], tf.uint8), (-1, *dataset.image_shape)),
        "labels": tf.cast(found["label"], tf.int32),
        "ids": found["id"],
    }
    if dataset.attributes:
        values["attributes"] = tf.reshape(tf.io.decode_raw(found["attributes"], tf.int8), (-1, len(dataset.attributes)))
    return values
