"""What every feature network can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gan.types import Json

if TYPE_CHECKING:
    from gan.types import Pixels


class NetworkOutput(NamedTuple):
    """What a network gives for N images: features float32 [N, F], and outputs float32 [N, O] such as probabilities."""

    features: npt.NDArray[np.float32]
    outputs: npt.NDArray[np.float32]


class FeatureNetwork(ABC):
    """Turns pixels into features.

    name: what a score calls it, such as `mnist-cnn`.
    hash: SHA-256 over its weights and structure.
    kind: which file beside this one made it.
    classes: how many classes its outputs are probabilities of, in sum 1 an image; 0 where they are something else.
    """

    name: str
    hash: str
    kind: str
    classes: int = 0

    def to_json(self) -> Json:
        """What a reference keeps of it: name, hash, kind, and where to find it again where it is not kept itself."""
        return {"name": self.name, "hash": self.hash, "kind": self.kind}

    @abstractmethod
    def extract(self, pixels: Pixels) -> NetworkOutput:
        """Look at one batch of Pixels uint8 [N, H, W, C], always of the same N for the same numbers to the last bit."""


def extract_all(network: FeatureNetwork, pixels: Pixels, batch_size: int) -> NetworkOutput:
    """Look at Pixels uint8 [N, H, W, C] in batches of one size; the last is filled up and the filling cut off."""
    output = [
        extract_padded(network, pixels[at : at + batch_size], batch_size) for at in range(0, len(pixels), batch_size)
    ]
    return NetworkOutput(
        np.concatenate([each.features for each in output]), np.concatenate([each.outputs for each in output])
    )


def extract_padded(network: FeatureNetwork, pixels: Pixels, batch_size: int) -> NetworkOutput:
    """Look at at most `batch_size` images as a batch of exactly that size."""
    count = len(pixels)
    filled = np.zeros((batch_size, *pixels.shape[1:]), np.uint8)
    filled[:count] = pixels
    output = network.extract(filled)
    return NetworkOutput(output.features[:count], output.outputs[:count])
