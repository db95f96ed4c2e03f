"""The interface of training tasks of feature networks."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt

from gan.config import Reference
from gan.metrics.features.interface import NetworkOutput
from gan.metrics.features.keras_network import KerasNetwork
from gan.metrics.features.mode_definitions import Modes
from gan.types import Json

if TYPE_CHECKING:
    from gan.types import LabelArray, Pixels


@dataclass(frozen=True)
class Examples:
    """Images with their labels and attributes.

    pixels: uint8 [N, H, W, C].
    labels: int32 [N], indices into `classes`; 0 without classes.
    attributes: int8 [N, A], -1 or 1; A is the number of `attribute_names`, which may be 0.
    channel_classes: see `gan.data.spec.Dataset`.
    """

    pixels: Pixels
    labels: LabelArray
    attributes: npt.NDArray[np.int8]
    classes: tuple[str, ...]
    attribute_names: tuple[str, ...]
    channel_classes: tuple[str, ...] = ()

    def rows(self, rows: slice) -> Examples:
        """Some of the images."""
        return dataclasses.replace(
            self, pixels=self.pixels[rows], labels=self.labels[rows], attributes=self.attributes[rows]
        )

    def first(self, count: int) -> Examples:
        """The first `count` images."""
        return self.rows(slice(count))


class Task(ABC):
    """Trains a network on training images, evaluates it on held-out ones, and defines the modes.

    kind: its name in a reference; `suffix` follows the data source in the network's name.
    """

    kind: str
    suffix: str

    @abstractmethod
    def train(self, examples: Examples, options: Reference) -> keras.Model:
        """Train a network (see `training.build`) on these images."""

    @abstractmethod
    def evaluate(self, network: KerasNetwork, examples: Examples, output: NetworkOutput, options: Reference) -> Json:
        """Its quality on held-out images: `accuracy`, `chance` and `judged_on` (see `quality`), and more."""

    @abstractmethod
    def modes(self, examples: Examples, output: NetworkOutput, options: Reference) -> Modes:
        """The modes of the real data, from held-out images and the network's output for them."""
