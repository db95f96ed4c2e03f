"""A feature network from a user's file, with its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from gan.errors import ConfigError, DataError
from gan.metrics.features.formats.description import Description
from gan.metrics.features.formats.interface import Array, Loaded
from gan.metrics.features.interface import FeatureNetwork, NetworkOutput
from gan.metrics.features.network_file import Files
from gan.metrics.features.resizing import resizer
from gan.types import Json
from gan.util.ids import canonical, sha256

if TYPE_CHECKING:
    from gan.types import Pixels

MIN_FEATURES = 8
CHUNK = 32
PROBES, PROBE_SIDE = 3, 32
SUM_TOLERANCE = 1e-3
COLOURS = {1: "grey", 3: "grey or RGB"}


class DescribedNetwork(FeatureNetwork):
    """Resizes and scales images as the description says. The constructor tests the network on random images.

    Args:
        kind: the format.
        files: of the network, by relative path; the hash covers their bytes and `Description.hashed_fields`.
        description: its inputs and outputs.
        loaded: the network itself.
        uri: its path or URI.

    Raises:
        ConfigError: inputs or outputs differ from the description, or are not usable as features.
    """

    def __init__(self, kind: str, files: Files, description: Description, loaded: Loaded, uri: str) -> None:
        self.name, self.kind, self._uri = description.name, kind, uri
        contents = [[name, sha256(data)] for name, data in sorted(files.items())]
        self.hash = sha256(canonical({"files": contents, "description": description.hashed_fields()}))
        self._description, self._loaded = description, loaded
        _check_input(description, loaded.input_shape, uri)
        self.classes = self._probe()

    def to_json(self) -> Json:  # noqa: D102
        return {**super().to_json(), "uri": self._uri}

    def extract(self, pixels: Pixels) -> NetworkOutput:  # noqa: D102
        channels, sides = self._description.channels, pixels.shape[1:3]
        if pixels.shape[-1] not in (1, channels):
            raise DataError(f"{self.name} takes {COLOURS[channels]} images; got {pixels.shape[-1]} channels")
        try:
            parts = [self._calculate(pixels[at : at + CHUNK]) for at in range(0, len(pixels), CHUNK)]
        except self._loaded.errors as error:
            raise DataError(
                f"{self.name} does not run on images of {sides[0]} x {sides[1]}: {_one_line(error)}"
            ) from None
        features, outputs = (np.concatenate(column) for column in zip(*parts, strict=True))
        return NetworkOutput(features, outputs)

    def _calculate(self, pixels: Pixels) -> tuple[Array, Array]:
        features, probabilities = self._loaded.calculate(self._prepared(pixels))
        features = self._pooled(np.asarray(features, np.float32))
        if probabilities is None:
            return features, np.zeros((len(pixels), 0), np.float32)
        return features, np.asarray(probabilities, np.float32).reshape(len(pixels), -1)

    def _prepared(self, pixels: Pixels) -> Array:
        """Pixels uint8 [N, H, W, C], resized and scaled for the network."""
        description = self._description
        shape = (pixels.shape[1], pixels.shape[2])
        images = tf.constant(pixels.astype(np.float32))
        resized = resizer(shape, description.input_size or shape, description.resizer)(images).numpy()
        offset, divisor = (np.array(each, np.float32) for each in (description.offset, description.divisor))
        scaled = np.broadcast_to((resized - offset) / divisor, (*resized.shape[:3], description.channels))
        return np.ascontiguousarray(
            scaled.transpose(0, 3, 1, 2) if description.layout == "NCHW" else scaled, np.float32
        )

    def _pooled(self, features: Array) -> Array:
        if self._description.pool is None:
            return features
        axes = (2, 3) if self._description.layout == "NCHW" else (1, 2)
        pooled: Array = features.mean(axis=axes, dtype=np.float64).astype(np.float32)
        return pooled

    def _probe(self) -> int:
        """Run the network on random images, check its outputs, and return the number of classes."""
        sides = self._description.input_size or _height_width(self._description, self._loaded.input_shape)
        shape = [each or PROBE_SIDE for each in sides]
        pixels = np.random.default_rng(0).integers(0, 256, (PROBES, *shape, self._description.channels), np.uint8)
        try:
            features, probabilities = self._loaded.calculate(self._prepared(pixels))
        except self._loaded.errors as error:
            raise ConfigError(
                f"{self._uri} does not run on images of {shape[0]} x {shape[1]} with {self._description.channels} "
                f"channels: {_one_line(error)}. Check input_size, channels and layout of its description"
            ) from None
        self._check_features(np.asarray(features))
        if not np.array_equal(self.extract(pixels).features, self.extract(pixels).features):
            raise ConfigError(f"{self._uri} gives different features for the same images; export it for inference")
        return 0 if probabilities is None else self._check_probabilities(np.asarray(probabilities))

    def _check_features(self, features: Array) -> None:
        description = self._description
        shape, prefix = (
            features.shape,
            f"{self._uri}: the features {description.features} have the shape {list(features.shape)}",
        )
        if description.pool is None and len(shape) != 2:
            raise ConfigError(
                f'{prefix}; wanted [N, F]. Name another layer, or set "pool: mean" to average feature maps'
            )
        if description.pool is not None and len(shape) != 4:
            raise ConfigError(
                f'{prefix}; "pool: mean" averages maps of four dimensions. Leave it out, or name another layer'
            )
        pooled = self._pooled(features)
        if len(pooled) != PROBES or pooled.shape[1] < MIN_FEATURES:
            raise ConfigError(f"{prefix}; wanted at least {MIN_FEATURES} features for each of {PROBES} images")
        if not np.isfinite(pooled).all():
            raise ConfigError(
                f"{self._uri}: the features {description.features} of random images are not finite; check scale"
            )

    def _check_probabilities(self, probabilities: Array) -> int:
        flat = probabilities.reshape(len(probabilities), -1)
        if len(flat) != PROBES or flat.min() < 0 or np.abs(flat.sum(axis=1) - 1).max() > SUM_TOLERANCE:
            raise ConfigError(
                f"{self._uri}: the values of {self._description.probabilities} are not probabilities: they range from "
                f"{flat.min():.3g} to {flat.max():.3g} and sum to {flat.sum(axis=1)[0]:.3g} for an image. Name the "
                'tensor after the softmax, or set "probabilities: null"'
            )
        return int(flat.shape[1])


def _check_input(description: Description, shape: tuple[int | None, ...], uri: str) -> None:
    """Compare the description with the network's input shape.

    Raises:
        ConfigError: they differ, or the network has a fixed batch size.
    """
    prefix = f"{uri} takes a batch of shape {list(shape)}"
    if len(shape) != 4:
        raise ConfigError(f"{prefix}; images need four dimensions, {description.layout}")
    if shape[0] is not None:
        raise ConfigError(f"{prefix}: always {shape[0]} images. Export it so that the batch may have any size")
    channels = shape[1] if description.layout == "NCHW" else shape[3]
    if channels not in (None, description.channels):
        raise ConfigError(
            f"{prefix}, which is {channels} channels in the layout {description.layout}; its description says "
            f"channels: {description.channels}. Check channels and layout"
        )
    sides = _height_width(description, shape)
    described_size = description.input_size or (None, None)
    if any(own not in (None, each) for own, each in zip(sides, described_size, strict=True)):
        shown_size = "null" if description.input_size is None else list(description.input_size)
        raise ConfigError(f"{prefix}; its description says input_size: {shown_size}. Set input_size: {list(sides)}")


def _height_width(description: Description, shape: tuple[int | None, ...]) -> tuple[int | None, int | None]:
    return (shape[2], shape[3]) if description.layout == "NCHW" else (shape[1], shape[2])


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
