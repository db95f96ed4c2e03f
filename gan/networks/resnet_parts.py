"""What the generator and the discriminator of SNGAN have in common: sizes, and convolutions with their initialisers.

The initialisers are those of the authors' code: Glorot and Bengio's uniform distribution, for the 3x3 convolutions of
blocks with twice the variance, as fits ReLU.
"""

from __future__ import annotations

from gan.util.lazy import keras

SMALLEST_MAP = 4
LARGE = 33
"""From this side on, channels double as the map halves; below, all blocks have the same (those for CIFAR-10)."""


def conv3x3(filters: int, name: str, *, bias: bool) -> keras.layers.Layer:
    """A convolution of a block's residual branch."""
    variance = keras.initializers.VarianceScaling(2.0, mode="fan_avg", distribution="uniform")
    return keras.layers.Conv2D(filters, 3, padding="same", use_bias=bias, kernel_initializer=variance, name=name)


def shortcut(filters: int, name: str, *, bias: bool) -> keras.layers.Layer:
    """The 1x1 convolution of a block whose output has another shape than its input."""
    return keras.layers.Conv2D(filters, 1, use_bias=bias, name=name)
