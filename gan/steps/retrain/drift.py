"""How far the images that came have moved away from those that a generator is measured by."""

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
LEAST_IMAGES = 10
"""Fewer images on either side tell nothing."""
MOST_IMAGES = 2000
"""More on either side cost memory (8 bytes for each pair of images) and tell hardly more."""
PERMUTATIONS = 1000


class Drift(NamedTuple):
    """KID between images that came and as many held-out ones of a reference, in the reference's own features.

    The estimate is unbiased: 0 on average where nothing drifted, however few the images are. `low` and `high` are the
    ends of its 95 % interval (`gan.metrics.maths.two_sample`); without drift `low` is above 0 in 2.5 % of cases at
    most.
    `images` is their number on either side.
    """

    value: float
    low: float
    high: float
    images: int


def drift(
    store: Store, dataset: Dataset, came: Mapping[str, Sequence[int]], reference_id: str, options: config.Reference
) -> Drift | None:
    """Compare images with the held-out ones of an earlier reference, in the features of its network.

    Args:
        store: where all of it lies.
        dataset: the data as they are now.
        came: the images to compare: by split their numbers in it (`gan.data.changes.new_images`).
        reference_id: the reference.
        options: how many images are looked at, in which batches, and the seed that chooses them.

    Returns:
        None where there are fewer than LEAST_IMAGES on either side.

    Raises:
        NotFoundError: there is no such reference.
        ConfigError: the reference looks at images of another shape.
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
    count = min(total, len(real), options.max_images, MOST_IMAGES)
    if count < LEAST_IMAGES:
        return None
    rng = np.random.default_rng(options.seed)
    pixels = _pixels(store, dataset, came, np.sort(rng.permutation(total)[:count]))
    seen = extract_all(reference.network, pixels, options.batch_size)
    chosen = real[rng.permutation(len(real))[:count]]
    found = mmd_with_interval(seen.features, chosen, confidence=CONFIDENCE, permutations=PERMUTATIONS, rng=rng)
    return Drift(*found, count)


def _held_out(reference: Reference) -> Features:
    """The held-out images, [N, F]: those that choose checkpoints too, where they are of the same split."""
    splits = reference.record["splits"]
    if splits[SELECTION] != splits[FINAL]:
        return reference.real.features
    return np.concatenate([reference.selection.features, reference.real.features])


def _pixels(store: Store, dataset: Dataset, came: Mapping[str, Sequence[int]], chosen: np.ndarray) -> np.ndarray:
    """uint8 [len(chosen), H, W, C] of those that are chosen among all that came, counted split after split."""
    from gan.data.load import load_images

    parts, start = [], 0
    for split, numbers in came.items():
        here = chosen[(start <= chosen) & (chosen < start + len(numbers))] - start
        start += len(numbers)
        if len(here):
            parts.append(load_images(store, dataset, split, np.asarray(numbers)[here].tolist()).pixels)
    return np.concatenate(parts)
