"""Compares replicas on virtual CPUs with one device: `python -m tests.support.replicas N CASES`; prints JSON.

`CASES` maps a name to the `--set`s of a toy run.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

from gan.errors import ConfigError
from gan.train.distributed.replicas import Replicas, SharedReplicas
from gan.train.distributed.sync_layers import with_sync_layers
from tests.train.conftest import Toy

STEPS = 3
TOY = Toy()


def far(one: Any, other: Any) -> float:
    """The largest difference, relative to the largest number of `one`."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return float(np.abs(one - other).max() / (np.abs(one).max() + 1e-6)) if one.size else 0.0


def compare(sets: list[str], shared: Replicas) -> dict[str, Any]:
    config = TOY.config("train.batch_size=12", *sets)
    one, many = TOY.train_state(config), TOY.train_state(config, shared)
    begin_alike = all(
        np.array_equal(a, b) for a, b in zip(one.tensors().values(), many.tensors().values(), strict=True)
    )
    steps = TOY.step(config, one), TOY.step(config, many, shared)
    batches = TOY.batches(config)
    for number in range(1, STEPS + 1):
        drawn = [next(batches) for _ in range(config.train.discriminator_steps)]
        metrics, others = (take(number, drawn) for take in steps)
    tensors, found = one.tensors(), many.tensors()
    copies = [[copy.numpy() for copy in each.value.values] for each in many.variables().values()]
    integers = [name for name, tensor in tensors.items() if tensor.dtype.kind in "iu"]
    networks = [name for name in tensors if "optimizer" not in name and name not in integers]
    return {
        "begin_alike": begin_alike,
        "weights": max(far(tensors[name], found[name]) for name in networks),
        "metrics": max(far(float(metrics[name]), float(others[name])) for name in metrics),
        "integers_equal": all(np.array_equal(tensors[name], found[name]) for name in integers),
        "same_on_all": all(np.array_equal(first, other) for first, *rest in copies for other in rest),
    }


def gradients(shared: SharedReplicas) -> dict[str, float]:
    with shared.scope():
        weight = tf.Variable(1.5)

    def of(loss: Any) -> float:
        def replica_fn(_step: Any, _update: Any, local: Any) -> Any:
            with tf.GradientTape() as tape:
                value = loss(shared.all_gather(weight * local))
            return shared.all_reduce_sum([tape.gradient(value, weight)])[0]

        return float(tf.function(shared.run_on_all(replica_fn))(0, 0, tf.range(1.0, 7.0)))

    return {
        "mean_square": of(lambda batch: tf.reduce_mean(tf.square(batch))),
        "log_sum": of(lambda batch: tf.math.log(tf.reduce_sum(batch))),
    }


def collectives(shared: SharedReplicas) -> dict[str, Any]:
    def of(replica_fn: Any) -> Any:
        return tf.function(shared.run_on_all(replica_fn))(0, 0, tf.range(6.0)).numpy().tolist()

    return {
        "local_slice": of(lambda _step, _update, local: shared.local_slice(shared.all_gather(local))),
        "all_gather": of(lambda _step, _update, local: shared.all_gather(local)),
        "all_reduce_mean": of(lambda _step, _update, local: shared.all_reduce_mean(local[0])),
        "all_reduce_max": int(shared.all_reduce_max(7)),
    }


def overflow(shared: SharedReplicas) -> dict[str, Any]:
    """The gradient of the last replica alone is not finite."""
    with shared.scope():
        layer = keras.layers.Dense(1, use_bias=False)
        layer.build((None, 1))
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=1.0)
        optimizer.build(layer.trainable_variables)
    before = layer.kernel.numpy()

    def replica_fn(_step: Any, _update: Any, local: Any) -> Any:
        summed = shared.all_reduce_sum([tf.reshape(local, [1, 1])])
        optimizer.apply(shared.for_optimizer(summed), layer.trainable_variables)
        return summed[0]

    tf.function(shared.run_on_all(replica_fn))(0, 0, tf.constant([1.0, 1.0, np.inf]))
    changed = not np.array_equal(before, layer.kernel.numpy())
    return {"weights_changed": changed, "scale": float(optimizer.dynamic_scale.numpy())}


def refused(shared: SharedReplicas) -> str:
    noisy = keras.Sequential([keras.Input((2,)), keras.layers.GaussianNoise(0.1, name="noise")], name="noisy")
    try:
        with_sync_layers(noisy, shared)
    except ConfigError as error:
        return str(error)
    return ""


def main() -> None:
    count, cases = int(sys.argv[1]), json.loads(sys.argv[2])
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    shared = SharedReplicas(tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(count)]))
    found = {name: compare(sets, shared) for name, sets in cases.items()}
    found |= {"gradients": gradients(shared), "collectives": collectives(shared), "overflow": overflow(shared)}
    print(json.dumps({**found, "refused": refused(shared)}))


if __name__ == "__main__":
    main()
