"""What a feature network makes of a set of images, and two such sets that a metric compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gan.config import Evaluate
from gan.metrics.scores import modes

if TYPE_CHECKING:
    from gan.types import Features, Floats, LabelArray


@dataclass(frozen=True)
class FeatureBatch:
    """What is known of N images.

    Attributes:
        features: float32 [N, F].
        mode_probabilities: float32 [N, K], rows sum to 1.
        labels: the class of each image, or the one that a conditional generator was asked for; None without classes.
        class_probabilities: float32 [N, L] by a network that tells L classes; None for other networks.
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
        """Images a mode: [K]."""
        return modes.histogram(self.mode_probabilities)

    def mode_shares(self) -> npt.NDArray[np.float64]:
        """The share of images that show each mode: [K], sums to 1."""
        return self.mode_counts() / len(self)


@dataclass(frozen=True)
class Comparison:
    """What a metric gets: generated images, the real ones that they are compared with, and how.

    Attributes:
        real: held-out real images.
        generated: generated images, or, for the row of real data, training images in their place.
        training: features of training images [T, F], in which copies are sought.
        copy_ratios: how near the held-out images are to those, float64 [M]; see `gan.metrics.scores.memorisation`.
        protocol: the keys of `evaluate`.
        has_confidence: whether mode probabilities tell how sure the network is.
        generated_are_real: whether this is the row of real data.
    """

    real: FeatureBatch
    generated: FeatureBatch
    training: Features
    copy_ratios: Floats
    protocol: Evaluate
    has_confidence: bool = True
    generated_are_real: bool = False
