"""The small convolutional architecture of the trained feature networks."""

from __future__ import annotations

import keras

FEATURES = 64
FIRST_CHANNELS = 32
MAX_CHANNELS = 64
MIN_SIDE = 7  # feature maps are halved down to this side
BATCH_NORM_MOMENTUM = 0.9  # low, since the statistics must converge within the few steps of a small data set


def build(image_shape: tuple[int, int, int], outputs: int, activation: str) -> keras.Model:
    """Convolution, BatchNorm, LeakyReLU and pooling until the map is small; then 64 features, then the outputs.

    Args:
        image_shape: (H, W, C).
        outputs: the number of outputs.
        activation: of the outputs: softmax or sigmoid.

    Returns:
        A model from Pixels [N, H, W, C] (uint8 or float, in [0, 255]) to (features float32 [N, 64], outputs float32
        [N, O]). The features are the input of the last layer.
    """
    pixels = keras.Input(image_shape, name="pixels")
    hidden = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(pixels)
    channels = FIRST_CHANNELS
    large = min(image_shape[:2]) >= 4 * MIN_SIDE
    hidden = _convolution(hidden, 0, channels, kernel=5 if large else 3, strides=2 if large else 1)
    block = 1
    while min(hidden.shape[1:3]) >= 2 * MIN_SIDE:
        hidden = keras.layers.MaxPooling2D(name=f"pool_{block}")(hidden)
        channels = min(2 * channels, MAX_CHANNELS)
        hidden = _convolution(hidden, block, channels, kernel=3)
        block += 1
    hidden = keras.layers.Flatten(name="flatten")(hidden)
    hidden = keras.layers.Dropout(0.3, name="dropout")(hidden)
    hidden = keras.layers.Dense(FEATURES, use_bias=False, name="dense")(hidden)
    hidden = keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name="dense_norm")(hidden)
    features = keras.layers.LeakyReLU(0.1, dtype="float32", name="features")(hidden)
    predicted = keras.layers.Dense(outputs, activation=activation, dtype="float32", name="outputs")(features)
    return keras.Model(pixels, [features, predicted], name="feature_network")


def _convolution(
    images: keras.KerasTensor, block: int, channels: int, *, kernel: int, strides: int = 1
) -> keras.KerasTensor:
    """A block with explicit layer names: those that Keras generates depend on what was built before."""
    images = keras.layers.Conv2D(
        channels, kernel, strides=strides, padding="same", use_bias=False, name=f"convolution_{block}"
    )(images)
    images = keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=f"norm_{block}")(images)
    return keras.layers.LeakyReLU(0.1, name=f"activation_{block}")(images)
