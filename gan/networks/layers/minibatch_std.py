"""Minibatch standard deviation: how much the images of a batch differ, as a feature map."""

from __future__ import annotations

from typing import Any

import keras

from gan.types import Tensor

EPSILON = 1e-8


@keras.saving.register_keras_serializable("gan")
class MinibatchStd(keras.layers.Layer):  # type: ignore[misc]
    """Appends a channel with the mean standard deviation over each `group` consecutive images of the batch.

    Karras et al. (2018), "Progressive Growing of GANs for Improved Quality, Stability, and Variation",
    arXiv:1710.10196, section 3, for groups as in the code of StyleGAN2 (Karras et al., 2020, arXiv:1912.04958). Groups
    are consecutive images, not strided ones as there, so that replicas that share a batch form the same groups as one
    device. It is computed in float32.

    Args:
        group: the images of a group; the batch must be a multiple of it.
    """

    def __init__(self, group: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.group = group

    def call(self, inputs: Tensor) -> Tensor:
        """Feature maps [N, H, W, C] with one more channel: [N, H, W, C + 1]."""
        height, width, channels = inputs.shape[1:]
        grouped = keras.ops.reshape(keras.ops.cast(inputs, "float32"), (-1, self.group, height, width, channels))
        deviations = keras.ops.sqrt(keras.ops.var(grouped, axis=1) + EPSILON)
        means = keras.ops.mean(deviations, axis=(1, 2, 3))
        ones = keras.ops.ones_like(inputs[..., :1])
        channel = keras.ops.repeat(means, self.group)[:, None, None, None]
        return keras.ops.concatenate([inputs, ones * keras.ops.cast(channel, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """One more channel."""
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self) -> dict[str, Any]:
        """The settings of the layer."""
        return {**super().get_config(), "group": self.group}
