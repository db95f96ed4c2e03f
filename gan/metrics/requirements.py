"""What a config must fulfil so that scores can be measured at all, as far as that is known before any work begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gan.config import Evaluate, Reference
from gan.console import warn
from gan.errors import ConfigError, DataError, unknown_name
from gan.metrics.fid import FEW_IMAGES

TRAIN = "train"
LEAST_IMAGES = 10
MOST_SAMPLES_AN_IMAGE = 100


def check_split(split: str, known: Iterable[str]) -> None:
    """Check that scores can be measured against a split of a dataset.

    Raises:
        ConfigError: there is none of that name, or generators are trained on it.
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
        examples: how many images each split has, by its name.
        reference: how the reference is made.
        dataset_id: for messages.

    Raises:
        ConfigError: see `check_split`.
        DataError: a split has too few images.
    """
    check_split(reference.split, examples)
    for name in (reference.split, TRAIN):
        count = examples.get(name, 0)
        if count < LEAST_IMAGES:
            change = "lower" if name == TRAIN else "raise"
            raise DataError(
                f'scores need at least {LEAST_IMAGES} images; the split "{name}" of {dataset_id} has {count}. '
                f"Bring more images, or {change} data.holdout_percent (--holdout-percent of gan preprocess)"
            )


def warn_of_few(held_out: int, reference: Reference) -> None:
    """Warn where there are so few of `held_out` images that scores are coarse."""
    compared = min(held_out, reference.most_images)
    if compared < FEW_IMAGES:
        warn(
            f"only {compared} held-out images: FID is biased upward and all scores are coarse; they can be compared "
            "with each other, but with none from another number of images",
            split=reference.split,
        )


def check_counts(protocol: Evaluate, held_out: int, training: int) -> None:
    """Check that there are images enough for a protocol.

    Args:
        protocol: how scores are measured.
        held_out: images that generated ones are compared with.
        training: training images that are scored beside them.

    Raises:
        ConfigError: more samples than the held-out images can tell apart, or fewer images than neighbours.
    """
    most = MOST_SAMPLES_AN_IMAGE * held_out
    if protocol.samples > most:
        raise ConfigError(
            f"evaluate.samples must be at most {most}, {MOST_SAMPLES_AN_IMAGE} for each of the {held_out} held-out "
            f"images; got {protocol.samples}. Ask for fewer (--set evaluate.samples={most}), or hold out more images"
        )
    smaller = min(held_out, training, protocol.samples)
    if protocol.neighbours >= smaller:
        raise ConfigError(
            f"evaluate.neighbours must be below the number of images compared, {smaller}; got {protocol.neighbours}"
        )
