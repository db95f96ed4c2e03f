"""A reference without training: its network is a fixed random projection."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gan.config import Evaluate
from gan.metrics.feature_batch import FeatureBatch
from gan.metrics.features.interface import FeatureNetwork, NetworkOutput
from gan.metrics.features.mode_definitions import ClassModes
from gan.metrics.reference import Reference
from gan.metrics.score import extract
from gan.metrics.scores.memorisation import distance_ratios

PROTOCOL = Evaluate(
    samples=60,
    selection_samples=40,
    batch_size=16,
    kid_subsets=5,
    kid_subset_size=20,
    neighbours=3,
    checkpoint="latest",
)
RECORD = {
    "dataset_id": "toy-1", "splits": {"selection": "valid", "final": "test"}, "image_size": 8, "channels": 1,
    "crop": None, "crop_offset": None, "resizer": "bicubic",
    "label_shares": [0.2, 0.3, 0.5], "reference_hash": "e" * 64,
}  # fmt: skip


class Projection(FeatureNetwork):
    """Projects pixels to 6 features; the outputs are the softmax of three of them."""

    name, hash, kind = "toy-cnn", "f" * 64, "classes"

    def __init__(self) -> None:
        self._matrix = np.random.default_rng(0).normal(size=(64, 6)) / 100
        self.batch_sizes: set[int] = set()

    def extract(self, pixels: np.ndarray) -> NetworkOutput:
        self.batch_sizes.add(len(pixels))
        features = (pixels.reshape(len(pixels), 64) / 10 @ self._matrix).astype(np.float32)
        weights = np.exp(features[:, :3])
        return NetworkOutput(features, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))


def toy_pixels(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 1)).astype(np.uint8)


@pytest.fixture
def protocol() -> Evaluate:
    return PROTOCOL


@pytest.fixture
def reference() -> Reference:
    """80 held-out images for scores and 70 for selection; 90 training images, 50 of them for the row of real data."""
    nothing = FeatureBatch(np.zeros((0, 6), np.float32), np.zeros((0, 3), np.float32))
    bare = Reference(
        dict(RECORD),
        Projection(),
        ClassModes(("a", "b", "c")),
        nothing,
        nothing,
        nothing,
        nothing.features,
        np.zeros(0),
    )
    real, selection, training = (
        extract(bare, [(toy_pixels(count, seed), None)], 16) for count, seed in ((80, 1), (70, 3), (90, 2))
    )
    return dataclasses.replace(
        bare,
        real=real,
        selection=selection,
        train=training.first(50),
        training=training.features,
        copy_ratios=distance_ratios(real.features, training.features),
    )
