"""Layers for several replicas: BatchNorm and Dropout over the global batch."""

from __future__ import annotations

from typing import Any

import keras

from gan.errors import ConfigError
from gan.train.distributed.replicas import Replicas
from gan.types import Tensor


class SharedDropout(keras.layers.Dropout):  # type: ignore[misc]
    """Dropout that draws its mask for the global batch, as one device would, and uses this replica's slice."""

    def __init__(self, replicas: Replicas, **settings: Any) -> None:
        super().__init__(**settings)
        self._replicas = replicas

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Inputs [B/N, ...], some of them 0 and the others scaled if `training`."""
        if not training or not self.rate:
            return inputs
        shape = (inputs.shape[0] * self._replicas.count, *inputs.shape[1:])
        mask = keras.random.dropout(keras.ops.ones(shape, inputs.dtype), self.rate, seed=self.seed_generator)
        return inputs * self._replicas.local_slice(mask)


def with_sync_layers(network: keras.Model, replicas: Replicas) -> keras.Model:
    """A copy of a network, with the same weights, whose BatchNorm and Dropout act on the global batch.

    For one replica it is `network` itself. Call it inside `replicas.scope()`, after all networks are built: it consumes
    random numbers of the generator that initialises them.

    Raises:
        ConfigError: a layer draws random numbers in a way that replicas can't share.
    """
    if replicas.count == 1:
        return network

    def layer_for(layer: keras.layers.Layer) -> keras.layers.Layer:
        settings = layer.get_config()
        if type(layer) is keras.layers.BatchNormalization:
            return keras.layers.BatchNormalization.from_config({**settings, "synchronized": True})
        if type(layer) is keras.layers.Dropout and layer.noise_shape is None:
            return SharedDropout(replicas, **settings)
        if hasattr(layer, "seed_generator"):
            raise ConfigError(
                f'layer "{layer.name}" ({type(layer).__name__}) of the {network.name} draws random numbers that '
                f"{replicas.count} devices can't share; train on one device, or use keras.layers.Dropout without a "
                "noise_shape"
            )
        return type(layer).from_config(settings)

    clone: keras.Model = keras.models.clone_model(network, clone_function=layer_for)
    for mine, original in zip(clone.variables, network.variables, strict=True):
        mine.assign(original)
    return clone
