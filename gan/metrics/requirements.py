"""Checks that scores can be measured under a config, before any work starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gan.config import Evaluate, Reference
from gan.errors import ConfigError, DataError, unknown_name
from gan.metrics.identity import FINAL, SELECTION, sample_count

TRAIN, VALID = "train", "valid"
MIN_IMAGES = 10
MAX_SAMPLES_PER_IMAGE = 100


def check_split(split: str, known: Iterable[str]) -> None:
    """Check that scores can be measured against a split of a dataset.

    Raises:
        ConfigError: there is no such split, or generators are trained on it.
    """
    held_out = sorted(set(known) - {TRAIN})
    if split == TRAIN:
        others = ", ".join(held_out) or "none: prepare the data again with a holdout"
        raise ConfigError(
            f'reference.split must be held out from training, and generators are trained on "{TRAIN}"; others: {others}'
        )
    if split not in held_out:
        raise ConfigError(unknown_name("reference.split", split, held_out))


def check_splits(examples: Mapping[str, int], reference: Reference, dataset_id: str) -> None:
    """Check that a reference can be made of the splits of a dataset.

    Args:
        examples: images per split.
        reference: the config's group.
        dataset_id: for messages.

    Raises:
        ConfigError: see `check_split`.
        DataError: a split has too few images.
    """
    check_split(reference.split, examples)
    for name in (reference.split, TRAIN):
        count = examples.get(name, 0)
        if count < MIN_IMAGES:
            change = "lower" if name == TRAIN else "raise"
            raise DataError(
                f'scores need at least {MIN_IMAGES} images; the split "{name}" of {dataset_id} has {count}. '
                f"Add images, or {change} data.holdout_percent (--holdout-percent of gan preprocess)"
            )


def split_of(record: Mapping[str, Any]) -> str:
    """The split of final scores, from the record of a reference of this or an earlier version."""
    return str(record["splits"][FINAL] if "splits" in record else record["split"])


class HeldOut(NamedTuple):
    """How held-out images are divided: `selection` images of `selection_split` choose checkpoints, `final` images of
    `split` score them.

    The two sets are disjoint, also if they come from the same split.
    """

    selection_split: str
    selection: int
    split: str
    final: int


def held_out(examples: Mapping[str, int], reference: Reference) -> HeldOut:
    """The held-out images of a dataset by purpose.

    The split "valid" chooses checkpoints if it has at least `MIN_IMAGES` images and is not the split of the scores;
    otherwise that split is halved.

    Args:
        examples: images per split.
        reference: has `split` and `max_images`, the limit of each set.
    """
    count, limit = examples[reference.split], reference.max_images
    if reference.split != VALID and examples.get(VALID, 0) >= MIN_IMAGES:
        return HeldOut(VALID, min(examples[VALID], limit), reference.split, min(count, limit))
    return HeldOut(reference.split, min(count // 2, limit), reference.split, min(count - count // 2, limit))


def check_counts(protocol: Evaluate, final: int, selection: int, training: int) -> None:
    """Check that there are enough images for a protocol.

    Args:
        protocol: how scores are measured.
        final: number of held-out images for final scores.
        selection: number of held-out images for selection.
        training: number of training images for the row of real data.

    Raises:
        ConfigError: too many samples for the number of held-out images, or fewer images than neighbours.
    """
    for key, purpose, images in (
        ("evaluate.samples", FINAL, final),
        ("evaluate.selection_samples", SELECTION, selection),
    ):
        samples = sample_count(protocol, purpose)
        limit = MAX_SAMPLES_PER_IMAGE * images
        if samples > limit:
            raise ConfigError(
                f"{key} must be at most {limit}, {MAX_SAMPLES_PER_IMAGE} for each of the {images} held-out images that "
                f"it uses; got {samples}. Ask for fewer (--set {key}={limit}), or hold out more images"
            )
    smaller = min(final, selection, training, sample_count(protocol, SELECTION))
    if protocol.neighbours >= smaller:
        raise ConfigError(
            f"evaluate.neighbours must be below the number of images compared, {smaller}; got {protocol.neighbours}"
        )
