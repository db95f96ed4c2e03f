"""The residual block of R3GAN, and the options of both networks that decide its shape.

Huang et al. (2024), "The GAN is dead; long live the GAN! A Modern GAN Baseline", arXiv:2501.05441, section 4, and the
authors' code. A block has no normalisation:

    x + convolution 1x1 (LeakyReLU (grouped convolution 3x3 (LeakyReLU (convolution 1x1 (x)))))

with `expansion` times as many channels inside, and a bias before each LeakyReLU only. The variance of its weights is
scaled so that L blocks together start with a moderate gain, and the last convolution starts at 0: Fixup (Zhang, Dauphin
and Ma, 2019, "Fixup Initialization: Residual Learning Without Normalization", arXiv:1901.09321, section 3).

The grouped convolution is a convolution for each group of channels, side by side (Xie et al., 2017, "Aggregated
Residual Transformations for Deep Neural Networks", arXiv:1611.05431, figure 3b). TensorFlow (2.21) has one operation
for all groups, but its gradient is slow on a CPU: for 128 channels in 4 groups it took 20 times as long as this, and 9
times as long as without groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gan.networks.normalise import normalised
from gan.networks.shape import Halving, channels
from gan.options import Options, key
from gan.util.lazy import keras

SMALLEST_MAP = 4
NEGATIVE_SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + NEGATIVE_SLOPE**2))
MAX_CHANNELS = 256
WIDE_UP_TO = 8
LINEAR_LAYERS = 3


@dataclass(frozen=True)
class BlockOptions(Options):
    """The options of R3GAN's residual blocks."""

    blocks: int = key(1, "Residual blocks at each size of the map (the paper: 2).", min_value=1, max_value=16)
    expansion: float = key(
        2.0, "How many times as many channels a residual block has inside.", min_value=0.25, max_value=8
    )
    group_size: int = key(
        32,
        "Channels of each group of the grouped convolutions (the paper: 16); 1024: one group.",
        min_value=4,
        max_value=1024,
    )


@dataclass(frozen=True)
class Blocks:
    """Makes the residual blocks of a network of `total` blocks."""

    options: BlockOptions
    total: int
    spectral_norm: bool = False

    def stage(self, hidden: Any, name: str) -> Any:
        """`options.blocks` residual blocks; feature maps [N, H, W, C] keep their shape."""
        for index in range(1, self.options.blocks + 1):
            hidden = self._block(hidden, f"{name}_block_{index}")
        return hidden

    def _block(self, hidden: Any, name: str) -> Any:
        gain = GAIN * self.total ** (-1 / (2 * LINEAR_LAYERS - 2))
        last_gain = 1.0 if self.spectral_norm else 0.0  # a norm of 0 can't become 1
        groups, inside = _groups(hidden.shape[-1] * self.options.expansion, self.options.group_size)
        branch = self._layer(convolution(inside, 1, gain, f"{name}_expand", bias=True))(hidden)
        branch = keras.layers.LeakyReLU(NEGATIVE_SLOPE, name=f"{name}_relu_1")(branch)
        branch = self._grouped(branch, groups, gain, f"{name}_convolution")
        branch = keras.layers.LeakyReLU(NEGATIVE_SLOPE, name=f"{name}_relu_2")(branch)
        branch = self._layer(convolution(hidden.shape[-1], 1, last_gain, f"{name}_reduce"))(branch)
        return keras.layers.Add(name=name)([hidden, branch])

    def _grouped(self, hidden: Any, groups: int, gain: float, name: str) -> Any:
        filters = hidden.shape[-1] // groups
        if groups == 1:
            return self._layer(convolution(filters, 3, gain, name, bias=True))(hidden)
        parts = keras.ops.split(hidden, groups, axis=-1)
        made = [
            self._layer(convolution(filters, 3, gain, f"{name}_{index}", bias=True))(part)
            for index, part in enumerate(parts, 1)
        ]
        return keras.layers.Concatenate(name=name)(made)

    def _layer(self, layer: Any) -> Any:
        return normalised(layer, self.spectral_norm)


def convolution(filters: int, kernel: int, gain: float, name: str, *, bias: bool = False) -> keras.layers.Layer:
    """A convolution whose weights start with standard deviation gain / sqrt(fan-in).

    He et al. (2015), "Delving Deep into Rectifiers", arXiv:1502.01852, equation 10.
    """
    return keras.layers.Conv2D(
        filters, kernel, padding="same", use_bias=bias, kernel_initializer=scaled_normal(gain), name=name
    )


def scaled_normal(gain: float) -> Any:
    """A normal distribution of standard deviation gain / sqrt(fan-in)."""
    if gain == 0:
        return keras.initializers.Zeros()
    return keras.initializers.VarianceScaling(gain**2, mode="fan_in", distribution="untruncated_normal")


def stage_channels(small: Halving, width: float) -> list[int]:
    """The channels at each size of the map, from the smallest: 256 up to 8 pixels, half of it at each doubling."""
    sides = [small.side << index for index in range(small.times + 1)]
    return [channels(MAX_CHANNELS >> math.ceil(math.log2(max(side / WIDE_UP_TO, 1))), width) for side in sides]


def _groups(inside: float, group_size: int) -> tuple[int, int]:
    """The number of groups and the channels inside a block: a multiple of `group_size`, or a single smaller group."""
    groups = max(1, round(inside / group_size))
    return groups, groups * group_size if inside >= group_size else max(1, round(inside))
