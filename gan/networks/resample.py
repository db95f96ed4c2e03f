"""Resampling by 2 with the filter [1, 2, 1], from Keras's own layers without weights.

A feature map is resampled by nearest neighbours (upwards) or means of two (downwards), which is a filter [1, 1], and
smoothed with [1, 2, 1]: together [1, 3, 3, 1] in both directions, with zeros around the map. Upwards this is bilinear
interpolation. R3GAN resamples like this (Huang et al., 2024, arXiv:2501.05441, and the authors' code); why networks
should smooth: Zhang (2019), "Making Convolutional Networks Shift-Invariant Again", arXiv:1904.11486.

[1, 2, 1] is [1, 1] twice, so means of 2 x 2 pixels make all of it. A depthwise convolution with a fixed kernel gives
the same, but has weights to save, and is several times slower in bfloat16 on a CPU.
"""

from __future__ import annotations

from typing import Any

from gan.util.lazy import keras


def upsample(hidden: Any, name: str) -> Any:
    """Feature maps [N, H, W, C] to [N, 2 H, 2 W, C]."""
    doubled = keras.layers.UpSampling2D(2, name=f"{name}_double")(hidden)
    return _smooth(doubled, name)


def downsample(hidden: Any, name: str) -> Any:
    """Feature maps [N, H, W, C], H and W even, to [N, H / 2, W / 2, C]."""
    return keras.layers.AveragePooling2D(2, name=f"{name}_halve")(_smooth(hidden, name))


def _smooth(hidden: Any, name: str) -> Any:
    """The filter [1, 2, 1] / 4 in both directions, of the same size, with zeros around the map."""
    hidden = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(hidden)
    for index in (1, 2):
        hidden = keras.layers.AveragePooling2D(2, strides=1, name=f"{name}_smooth_{index}")(hidden)
    return hidden
