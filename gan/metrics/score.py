"""Scores a set of images against a reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from gan.config import Evaluate
from gan.errors import DataError
from gan.metrics.bootstrap import Measured
from gan.metrics.features.interface import look_filled
from gan.metrics.identity import Identity
from gan.metrics.presets import METRICS, Looks
from gan.metrics.reference import Reference
from gan.metrics.requirements import check_counts
from gan.types import Json

if TYPE_CHECKING:
    from gan.types import Pixels


def check(reference: Reference, protocol: Evaluate) -> None:
    """Check that a protocol can be followed with a reference.

    Raises:
        ConfigError: more samples than the reference's images can tell apart, or fewer images than neighbours.
    """
    check_counts(protocol, len(reference.real), len(reference.train))


def score(reference: Reference, pixels: Iterable[Pixels] | Pixels, protocol: Evaluate) -> Json:
    """Score images.

    Args:
        reference: what they are compared with.
        pixels: Pixels uint8 [N, H, W, C], or such arrays one after the other.
        protocol: how; all N images are scored, whatever its `samples`.

    Returns:
        {"identity", "label", "scores": {name: {"value", "low", "high"[, "floor"]}},
        "histogram": {"names", "real", "generated"}} with the shares of the modes.

    Raises:
        DataError: the images are not uint8, of another shape than the reference's, or fewer than 2.
    """
    generated = look(reference, pixels, protocol.batch_size)
    identity = reference.identity(protocol, len(generated))
    return {
        **_scored(reference, generated, protocol, identity),
        "histogram": {
            "names": list(reference.modes.names),
            "real": reference.real.mode_shares().tolist(),
            "generated": generated.mode_shares().tolist(),
        },
    }


def score_real(reference: Reference, protocol: Evaluate) -> Json:
    """The row of real data: training images scored as if they were generated.

    As many as `protocol.samples` asks for, or all that the reference has looked at if those are fewer: its identity
    says how many. FID falls with the number of samples, so with fewer images the row is somewhat too high, never too
    low; precision, recall, density and coverage compare equally many on both sides anyway. A trained feature network
    knows its training images by heart, which raises the row a little too.

    Returns:
        {"identity", "label", "scores"} as from `score`.
    """
    train = reference.train.first(protocol.samples)
    return _scored(reference, train, protocol, reference.identity(protocol, len(train)))


def score_values(reference: Reference, pixels: Iterable[Pixels] | Pixels, protocol: Evaluate) -> dict[str, float]:
    """The same scores as `score` gives, by name, without their intervals and so many times as fast."""
    measured = _measured(reference, look(reference, pixels, protocol.batch_size), protocol)
    return {name: float(each.value) for name, each in measured.items()}


def look(reference: Reference, pixels: Iterable[Pixels] | Pixels, batch_size: int) -> Looks:
    """What the reference's network and modes make of images; see `score`."""
    features, probabilities = [], []
    for batch in _batches(pixels, batch_size):
        _check_pixels(reference, batch)
        seen = look_filled(reference.network, batch, batch_size)
        features.append(seen.features)
        probabilities.append(reference.modes.probabilities(seen.features, seen.outputs))
    count = sum(map(len, features))
    if count < 2:
        raise DataError(f"a score needs at least 2 images; got {count}")
    return Looks(np.concatenate(features), np.concatenate(probabilities))


def _scored(reference: Reference, looks: Looks, protocol: Evaluate, identity: Identity) -> Json:
    measured = _measured(reference, looks, protocol)
    return {
        "identity": identity.to_json(),
        "label": identity.label,
        "scores": {name: each.estimate(protocol.confidence).to_json() for name, each in measured.items()},
    }


def _measured(reference: Reference, looks: Looks, protocol: Evaluate) -> dict[str, Measured]:
    measured: dict[str, Measured] = {}
    for metric in METRICS.values():
        measured |= metric(reference.real, looks, protocol)
    return measured


def _batches(pixels: Iterable[Pixels] | Pixels, batch_size: int) -> Iterator[Pixels]:
    for part in [pixels] if isinstance(pixels, np.ndarray) else pixels:
        for start in range(0, len(part), batch_size):
            yield part[start : start + batch_size]


def _check_pixels(reference: Reference, pixels: Pixels) -> None:
    if pixels.dtype != np.uint8:
        raise DataError(f"scores are measured on uint8 pixels, as files hold them; got {pixels.dtype}")
    if pixels.shape[1:] != reference.image_shape:
        raise DataError(
            f"the reference looks at images of shape {list(reference.image_shape)}; got {list(pixels.shape[1:])}. "
            "Make a reference of the dataset that the images are like"
        )
