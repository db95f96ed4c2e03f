"""Networks made fit for several replicas: layers that look at the whole batch, or draw random numbers for it."""

from __future__ import annotations

from typing import Any

import keras

from gan.errors import ConfigError
from gan.train.distributed.replicas import Replicas
from gan.types import Tensor


class SharedDropout(keras.layers.Dropout):  # type: ignore[misc]
    """Dropout that draws its mask for the whole batch, as one device would, and takes this replica's part."""

    def __init__(self, replicas: Replicas, **settings: Any) -> None:
        super().__init__(**settings)
        self._replicas = replicas

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Inputs [B/N, ...], some of them 0 and the others scaled, where `training`."""
        if not training or not self.rate:
            return inputs
        whole = (inputs.shape[0] * self._replicas.count, *inputs.shape[1:])
        kept = keras.random.dropout(keras.ops.ones(whole, inputs.dtype), self.rate, seed=self.seed_generator)
        return inputs * self._replicas.own(kept)


def with_sync_layers(network: keras.Model, replicas: Replicas) -> keras.Model:
    """A network of the same layers and values whose BatchNorm and Dropout are those of the whole batch.

    For one replica it is `network` itself. Call it inside `replicas.scope()`, when all networks are built: it uses up
    random numbers of those that networks are built with.

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
