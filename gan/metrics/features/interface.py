"""The interface of feature networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gan.types import Json

if TYPE_CHECKING:
    from gan.types import Pixels


class NetworkOutput(NamedTuple):
    """Features float32 [N, F] of N images, and outputs float32 [N, O], such as probabilities."""

    features: npt.NDArray[np.float32]
    outputs: npt.NDArray[np.float32]


class FeatureNetwork(ABC):
    """Turns pixels into features.

    name: its name in scores, such as `mnist-cnn`.
    hash: SHA-256 of its weights and structure.
    kind: which implementation opens it.
    classes: the number of classes if its outputs are class probabilities, which sum to 1; else 0.
    """

    name: str
    hash: str
    kind: str
    classes: int = 0

    def to_json(self) -> Json:
        """Its entry in a reference: name, hash, kind, and its place if the reference does not store the network."""
        return {"name": self.name, "hash": self.hash, "kind": self.kind}

    @abstractmethod
    def extract(self, pixels: Pixels) -> NetworkOutput:
        """The features of Pixels uint8 [N, H, W, C]. Results are bitwise reproducible only for equal N."""


def extract_all(network: FeatureNetwork, pixels: Pixels, batch_size: int) -> NetworkOutput:
    """The features of Pixels uint8 [N, H, W, C], computed in batches of one size; the last one is padded."""
    parts = [
        extract_padded(network, pixels[at : at + batch_size], batch_size) for at in range(0, len(pixels), batch_size)
    ]
    return NetworkOutput(
        np.concatenate([each.features for each in parts]), np.concatenate([each.outputs for each in parts])
    )


def extract_padded(network: FeatureNetwork, pixels: Pixels, batch_size: int) -> NetworkOutput:
    """The features of at most `batch_size` images, computed in a batch of exactly that size."""
    count = len(pixels)
    padded = np.zeros((batch_size, *pixels.shape[1:]), np.uint8)
    padded[:count] = pixels
    output = network.extract(padded)
    return NetworkOutput(output.features[:count], output.outputs[:count])
