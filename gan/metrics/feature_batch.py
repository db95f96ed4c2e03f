"""The output of a feature network for a set of images, and the two sets that a metric compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gan.config import Evaluate
from gan.metrics.features.mode_definitions import histogram

if TYPE_CHECKING:
    from gan.types import Features, Floats, LabelArray


@dataclass(frozen=True)
class FeatureBatch:
    """The features, modes and labels of N images.

    Attributes:
        features: float32 [N, F].
        mode_probabilities: float32 [N, K], rows sum to 1.
        labels: the class of each image, or the class given to a conditional generator; None without classes.
        class_probabilities: float32 [N, L] of a network that predicts L classes; None for other networks.
    """

    features: Features
    mode_probabilities: npt.NDArray[np.float32]
    labels: LabelArray | None = None
    class_probabilities: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, rows: slice) -> FeatureBatch:
        """Some of the images."""
        return FeatureBatch(
            self.features[rows],
            self.mode_probabilities[rows],
            None if self.labels is None else self.labels[rows],
            None if self.class_probabilities is None else self.class_probabilities[rows],
        )

    def first(self, count: int) -> FeatureBatch:
        """The first `count` images."""
        return self.rows(slice(count))

    def mode_counts(self) -> npt.NDArray[np.int64]:
        """The number of images per mode: [K]."""
        return histogram(self.mode_probabilities)

    def mode_shares(self) -> npt.NDArray[np.float64]:
        """The share of images that show each mode: [K], sums to 1."""
        return self.mode_counts() / len(self)


@dataclass(frozen=True)
class Comparison:
    """The input of a metric: generated images, the real ones that they are compared with, and the protocol.

    Attributes:
        real: held-out real images.
        generated: generated images, or training images for the row of real data.
        training: features of training images [T, F], which are searched for copies.
        copy_ratios: distance ratios of the held-out images, float64 [M]; see `gan.metrics.scores.memorisation`.
        protocol: the keys of `evaluate`.
        has_confidence: whether the mode probabilities express the network's confidence.
        generated_are_real: whether this is the row of real data.
    """

    real: FeatureBatch
    generated: FeatureBatch
    training: Features
    copy_ratios: Floats
    protocol: Evaluate
    has_confidence: bool = True
    generated_are_real: bool = False
