"""Definitions of modes: classes, combinations of the channels' classes or of attributes, or clusters of features."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gan.types import Features

MAX_CLUSTERS = 20
MIN_IMAGES_PER_CLUSTER = 10
MIN_VARIANCE = 1e-12

Float32s = npt.NDArray[np.float32]


def histogram(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """The number of images per mode, int64 [K], from mode probabilities [N, K]."""
    return np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1]).astype(np.int64)


class Modes(Protocol):
    """Turns the output of a feature network for N images into probabilities of K modes."""

    @property
    def kind(self) -> str:
        """classes, channels, attributes or clusters."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the modes."""

    @property
    def has_confidence(self) -> bool:
        """Whether the probabilities express the network's confidence."""

    def probabilities(self, features: Features, outputs: Float32s) -> Float32s:
        """Mode probabilities float32 [N, K] of features [N, F] and the network's outputs [N, O]."""


@dataclass(frozen=True)
class ClassModes:
    """Each class is a mode; the outputs are class probabilities."""

    names: tuple[str, ...]
    kind: str = "classes"
    has_confidence: bool = True

    def probabilities(self, features: Features, outputs: Float32s) -> Float32s:
        """The outputs as they are."""
        return outputs


@dataclass(frozen=True)
class ChannelModes:
    """Each combination of what C channels show is a mode, K^C in all; the outputs are K class probabilities a channel.

    `classes` are the names of the K classes of a channel.
    """

    classes: tuple[str, ...]
    channels: int
    kind: str = "channels"
    has_confidence: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """`000`, `001`, ... for three digits, as the columns of `probabilities`: the last channel changes fastest."""
        return tuple("".join(each) for each in itertools.product(self.classes, repeat=self.channels))

    def probabilities(self, features: Features, outputs: Float32s) -> Float32s:
        """The product over the channels of the probability of each one's class."""
        made = np.ones((len(outputs), 1), np.float32)
        for of_channel in np.split(outputs, self.channels, axis=1):
            made = (made[:, :, None] * of_channel[:, None, :]).reshape(len(outputs), -1)
        return made

    def of_channels(self, probabilities: Float32s) -> Float32s:
        """The class probabilities of each channel [N, C * K], from those of the modes [N, K^C], which are many more."""
        joint = probabilities.reshape(-1, *(len(self.classes),) * self.channels)
        axes = range(1, self.channels + 1)
        return np.concatenate([joint.sum(axis=tuple(set(axes) - {axis})) for axis in axes], axis=1)


@dataclass(frozen=True)
class AttributeModes:
    """Each combination of A binary attributes is a mode, 2^A in all; the outputs are attribute probabilities.

    `attributes` are the names of all outputs, `chosen` the indices of the A attributes.
    """

    attributes: tuple[str, ...]
    chosen: tuple[int, ...]
    kind: str = "attributes"
    has_confidence: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """`+Male -Smiling`, in the order of the columns of `probabilities`."""
        signs = itertools.product("-+", repeat=len(self.chosen))
        return tuple(
            " ".join(f"{sign}{self.attributes[index]}" for sign, index in zip(row, self.chosen, strict=True))
            for row in signs
        )

    def probabilities(self, features: Features, outputs: Float32s) -> Float32s:
        """The product over the chosen attributes of the probability of each one's value."""
        made = np.ones((len(outputs), 1), np.float32)
        for index in self.chosen:
            yes = outputs[:, index : index + 1]
            made = np.stack([made * (1 - yes), made * yes], axis=2).reshape(len(outputs), -1)
        return made


@dataclass(frozen=True)
class ClusterModes:
    """Each cluster of the real features is a mode.

    The probabilities are those of a mixture of equally likely isotropic Gaussians around the `centres` [K, F] with one
    `variance` per dimension, [1]: the model whose hard limit is k-means (Bishop 2006, section 9.3.2). In many
    dimensions all but one are about 0 for any image: they show the nearest cluster, not the confidence.
    """

    centres: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]
    kind: str = "clusters"
    has_confidence: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """`cluster 0`, `cluster 1`, ..."""
        return tuple(f"cluster {index}" for index in range(len(self.centres)))

    def probabilities(self, features: Features, outputs: Float32s) -> Float32s:
        """Softmax of minus half the squared distance over the variance."""
        points = np.asarray(features, np.float64)
        across = points @ self.centres.T
        distances = np.sum(points**2, axis=1)[:, None] - 2 * across + np.sum(self.centres**2, axis=1)
        distances -= distances.min(axis=1, keepdims=True)
        weights = np.exp(-distances / (2 * self.variance))
        shares: Float32s = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


def fit_clusters(features: Features, seed: int) -> ClusterModes:
    """k-means clusters of real features [N, F], N at least 2: at most 20, each of at least 10 images on average."""
    from sklearn.cluster import KMeans

    points = np.asarray(features, np.float64)
    count = max(2, min(MAX_CLUSTERS, len(points) // MIN_IMAGES_PER_CLUSTER))
    distinct = len(np.unique(points, axis=0))
    fitted = KMeans(min(count, distinct), n_init=4, random_state=seed).fit(points)
    variance = fitted.inertia_ / points.size
    return ClusterModes(fitted.cluster_centers_, np.array([max(variance, MIN_VARIANCE)]))


def balanced_accuracies(probabilities: Float32s, attributes: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    """The mean of the accuracies on positive and on negative images, for each attribute: [A], in [0, 1].

    An attribute with only one of the two scores 0.5, the value of guessing.

    Args:
        probabilities: of each attribute to be present, [N, A].
        attributes: the truth, -1 or 1, [N, A].
    """
    predicted, true = probabilities > 0.5, attributes > 0
    positives, negatives = true.sum(axis=0), (~true).sum(axis=0)
    true_positives = (predicted & true).sum(axis=0) / np.maximum(positives, 1)
    true_negatives = (~predicted & ~true).sum(axis=0) / np.maximum(negatives, 1)
    accuracies: npt.NDArray[np.float64] = np.where(
        (positives > 0) & (negatives > 0), (true_positives + true_negatives) / 2, 0.5
    )
    return accuracies


def choose_attributes(
    names: Sequence[str], probabilities: Float32s, accuracies: npt.NDArray[np.float64], count: int
) -> AttributeModes:
    """The attributes whose combinations are the modes: the best predicted ones that leave no combination rare.

    They are chosen greedily by balanced accuracy. An attribute is skipped if a combination with those already chosen
    would have less than a quarter of an equal share of the real images. If none qualifies, the most evenly split
    attribute is chosen, so that there are at least two modes.

    Args:
        names: of all A attributes.
        probabilities: predicted for real images, [N, A].
        accuracies: balanced accuracies, [A].
        count: the number of attributes to choose.
    """
    predicted = probabilities > 0.5
    chosen: list[int] = []
    for index in np.argsort(-accuracies, kind="stable"):
        if len(chosen) < count and _smallest_share(predicted[:, [*chosen, index]]) >= 0.25 / 2 ** (len(chosen) + 1):
            chosen.append(int(index))
    if not chosen:
        chosen = [int(np.argmin(np.abs(predicted.mean(axis=0) - 0.5)))]
    return AttributeModes(tuple(names), tuple(chosen))


def _smallest_share(predicted: npt.NDArray[np.bool_]) -> float:
    """The smallest share among all combinations of these columns."""
    codes = predicted @ (1 << np.arange(predicted.shape[1]))
    return float(np.bincount(codes, minlength=2 ** predicted.shape[1]).min() / len(predicted))
