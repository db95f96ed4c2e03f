"""Data drift: the distance between new images and the held-out images that a generator was scored against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gan import config
from gan.data.spec import Dataset
from gan.errors import ConfigError
from gan.metrics.identity import FINAL, SELECTION
from gan.store import Store

if TYPE_CHECKING:
    from gan.metrics.reference import Reference
    from gan.types import Features

CONFIDENCE = 0.95
MIN_IMAGES = 10
"""Fewer images on either side are not enough for an estimate."""
MAX_IMAGES = 2000
"""More images on either side cost memory (8 bytes per pair of images) and hardly improve the estimate."""
PERMUTATIONS = 1000


class Drift(NamedTuple):
    """KID between new images and as many held-out images of a reference, in the reference's features.

    The estimate is unbiased: 0 on average without drift, however few the images are. `low` and `high` bound its 95 %
    interval (`gan.metrics.maths.two_sample`); without drift `low` is above 0 in at most 2.5 % of cases. `images` is
    their number on either side.
    """

    value: float
    low: float
    high: float
    images: int


def drift(
    store: Store, dataset: Dataset, came: Mapping[str, Sequence[int]], reference_id: str, options: config.Reference
) -> Drift | None:
    """Compare new images with the held-out ones of an earlier reference, in the features of its network.

    Args:
        store: where everything is.
        dataset: the current data.
        came: the indices of the new images by split (`gan.data.changes.new_images`).
        reference_id: the reference.
        options: the number of images, the batch size, and the seed that chooses the images.

    Returns:
        None with fewer than MIN_IMAGES on either side.

    Raises:
        NotFoundError: there is no such reference.
        ConfigError: the reference has images of another shape.
        IntegrityError: the reference or a shard is damaged.
    """
    from gan.metrics import reference as references
    from gan.metrics.features.interface import extract_all
    from gan.metrics.maths.two_sample import mmd_with_interval

    reference = references.load(store, reference_id)
    if reference.image_shape != dataset.image_shape:
        raise ConfigError(
            f"drift can't be measured between images of shape {list(dataset.image_shape)} and those of {reference_id}, "
            f"{list(reference.image_shape)}; set retrain.max_drift=null"
        )
    real = _held_out(reference)
    total = sum(len(numbers) for numbers in came.values())
    count = min(total, len(real), options.max_images, MAX_IMAGES)
    if count < MIN_IMAGES:
        return None
    rng = np.random.default_rng(options.seed)
    pixels = _pixels(store, dataset, came, np.sort(rng.permutation(total)[:count]))
    new = extract_all(reference.network, pixels, options.batch_size)
    chosen = real[rng.permutation(len(real))[:count]]
    found = mmd_with_interval(new.features, chosen, confidence=CONFIDENCE, permutations=PERMUTATIONS, rng=rng)
    return Drift(*found, count)


def _held_out(reference: Reference) -> Features:
    """The features of the held-out images [N, F], including those for selection if they are of the same split."""
    splits = reference.record["splits"]
    if splits[SELECTION] != splits[FINAL]:
        return reference.real.features
    return np.concatenate([reference.selection.features, reference.real.features])


def _pixels(store: Store, dataset: Dataset, came: Mapping[str, Sequence[int]], chosen: np.ndarray) -> np.ndarray:
    """The chosen new images, uint8 [len(chosen), H, W, C]; `chosen` indexes the concatenated splits."""
    from gan.data.load import load_images

    parts, start = [], 0
    for split, numbers in came.items():
        here = chosen[(start <= chosen) & (chosen < start + len(numbers))] - start
        start += len(numbers)
        if len(here):
            parts.append(load_images(store, dataset, split, np.asarray(numbers)[here].tolist()).pixels)
    return np.concatenate(parts)
