"""Scores a set of generated images against a reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from gan.config import Evaluate
from gan.errors import ConfigError, DataError
from gan.metrics.feature_batch import Comparison, FeatureBatch
from gan.metrics.features.interface import extract_padded
from gan.metrics.identity import FINAL, SELECTION, Identity
from gan.metrics.maths.estimate import LazyScore
from gan.metrics.reference import Reference
from gan.metrics.registry import CLASS_PROBABILITIES, LABELS, METRICS, check_metrics, check_needs
from gan.metrics.requirements import check_counts
from gan.metrics.scores import class_fid
from gan.types import Json

if TYPE_CHECKING:
    from gan.metrics.maths.contributions import Contributions
    from gan.types import LabelArray, Pixels


ImageBatches = Iterable[tuple["Pixels", "LabelArray | None"]]
"""Batches of Pixels uint8 [B, H, W, C], with the labels that the generator was given."""


def check(reference: Reference, protocol: Evaluate, *, conditional: bool) -> None:
    """Check that a reference supports a protocol.

    Args:
        reference: what generated images are compared with.
        protocol: how.
        conditional: whether the generator takes labels.

    Raises:
        ConfigError: too many samples for the reference's images, fewer images than neighbours, or a metric that the
            generator or the feature network does not support.
    """
    check_counts(protocol, len(reference.real), len(reference.selection), len(reference.train))
    check_metrics(protocol.metrics)
    has = {LABELS: conditional, CLASS_PROBABILITIES: reference.network.classes > 0}
    check_needs(protocol.metrics, has, reference.network.name)
    if "class_fid" in protocol.metrics:
        _check_classes(reference)


def score(reference: Reference, batches: ImageBatches, protocol: Evaluate) -> tuple[Json, dict[str, Contributions]]:
    """Score generated images, with intervals.

    Args:
        reference: what they are compared with.
        batches: the images and their labels.
        protocol: how; all images are scored, whatever its `samples`.

    Returns:
        `{"identity", "label", "metrics", "scores": {name: {"value", "low", "high", "floor"}}, "histogram": {"names",
        "real", "generated"}}` with the shares of the modes, where a score may lack low, high and floor; and what each
        image contributes to each score that can be compared so.

    Raises:
        DataError: the images are not uint8, differ in shape from the reference's, or are fewer than 2.
    """
    generated = extract(reference, batches, protocol.batch_size)
    scores = _measure(reference, generated, protocol, FINAL)
    record: Json = {
        **_record(reference.identity(protocol, len(generated)), scores, protocol),
        "metrics": list(protocol.metrics),
        "histogram": {
            "names": list(reference.modes.names),
            "real": reference.real.mode_shares().tolist(),
            "generated": generated.mode_shares().tolist(),
        },
    }
    paired = {name: each.contributions() for name, each in scores.items() if each.contributions is not None}
    return record, paired


def score_for_selection(reference: Reference, batches: ImageBatches, protocol: Evaluate) -> Json:
    """Score generated images against the images kept for selection, without intervals.

    Returns:
        {"identity", "label", "metrics", "scores": {name: {"value"}}}.
    """
    generated = extract(reference, batches, protocol.batch_size)
    identity = reference.identity(protocol, len(generated), SELECTION)
    scores = _measure(reference, generated, protocol, SELECTION)
    return {
        "identity": identity.to_json(),
        "label": identity.label,
        "metrics": list(protocol.metrics),
        "scores": {name: {"value": float(each.value)} for name, each in scores.items()},
    }


def score_real(reference: Reference, protocol: Evaluate) -> Json:
    """The row of real data: training images scored as if they were generated.

    It uses `protocol.samples` images, or all of the reference's if those are fewer; its identity has the number. FID
    falls with the number of samples, so with fewer images the row is slightly too high, never too low; precision,
    recall, density and coverage compare equal numbers on both sides. A feature network that was trained on these
    images also raises the row a little.

    Returns:
        {"identity", "label", "scores"} as from `score`.
    """
    train = reference.train.first(protocol.samples)
    scores = _measure(reference, train, protocol, FINAL, generated_are_real=True)
    return _record(reference.identity(protocol, len(train)), scores, protocol)


def score_values(reference: Reference, batches: ImageBatches, protocol: Evaluate) -> dict[str, float]:
    """The values of `score` by name, without intervals and therefore much faster."""
    scores = _measure(reference, extract(reference, batches, protocol.batch_size), protocol, FINAL)
    return {name: float(each.value) for name, each in scores.items()}


def extract(reference: Reference, batches: ImageBatches, batch_size: int) -> FeatureBatch:
    """The features and mode probabilities of images; see `score`."""
    features, probabilities, labels, classes = [], [], [], []
    for batch, labels_of_batch in _batches(batches, batch_size):
        _check_pixels(reference, batch)
        output = extract_padded(reference.network, batch, batch_size)
        features.append(output.features)
        probabilities.append(reference.modes.probabilities(output.features, output.outputs))
        labels += [] if labels_of_batch is None else [labels_of_batch]
        classes += [output.outputs] if reference.network.classes else []
    count = sum(map(len, features))
    if count < 2:
        raise DataError(f"a score needs at least 2 images; got {count}")
    return FeatureBatch(
        np.concatenate(features),
        np.concatenate(probabilities),
        np.concatenate(labels) if labels else None,
        np.concatenate(classes) if classes else None,
    )


def _record(identity: Identity, scores: Mapping[str, LazyScore], protocol: Evaluate) -> Json:
    return {
        "identity": identity.to_json(),
        "label": identity.label,
        "scores": {name: each.estimate(protocol.confidence).to_json() for name, each in scores.items()},
    }


def _measure(
    reference: Reference, generated: FeatureBatch, protocol: Evaluate, purpose: str, *, generated_are_real: bool = False
) -> dict[str, LazyScore]:
    comparison = Comparison(
        reference.held_out(purpose),
        generated,
        reference.training,
        reference.copy_ratios,
        protocol,
        has_confidence=reference.modes.has_confidence,
        generated_are_real=generated_are_real,
    )
    scores: dict[str, LazyScore] = {}
    for name in protocol.metrics:
        scores |= METRICS[name].measure(comparison)
    return scores


def _batches(batches: ImageBatches, batch_size: int) -> Iterator[tuple[Pixels, LabelArray | None]]:
    for pixels, labels in batches:
        for start in range(0, len(pixels), batch_size):
            rows = slice(start, start + batch_size)
            yield pixels[rows], None if labels is None else labels[rows]


def _check_classes(reference: Reference) -> None:
    labels = reference.real.labels
    largest = 0 if labels is None else int(np.bincount(labels).max())
    if largest < class_fid.MIN_IMAGES_PER_CLASS:
        raise ConfigError(
            f"evaluate.metrics: class_fid needs a class with at least {class_fid.MIN_IMAGES_PER_CLASS} held-out "
            f"images; the largest of the reference has {largest}. Leave it out, or hold out more images"
        )


def _check_pixels(reference: Reference, pixels: Pixels) -> None:
    if pixels.dtype != np.uint8:
        raise DataError(f"scores are measured on uint8 pixels, as files hold them; got {pixels.dtype}")
    if pixels.shape[1:] != reference.image_shape:
        raise DataError(
            f"the reference compares images of shape {list(reference.image_shape)}; got {list(pixels.shape[1:])}. "
            "Make a reference of a dataset with this shape"
        )
