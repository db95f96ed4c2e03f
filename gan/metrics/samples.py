"""The generated images that are scored: seeded, and the same from a checkpoint and from its export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from gan.config import Evaluate
from gan.metrics.identity import FINAL, SELECTION, sample_count
from gan.util.images import to_pixels

if TYPE_CHECKING:
    from gan.types import GenerateFn, LabelArray, Latents, Pixels


SELECTION_STREAM = 2**30  # above all batch numbers, so that selection and final scores share no latent


def draw_inputs(
    protocol: Evaluate, latent_size: int, label_shares: Sequence[float] | None, purpose: str = FINAL
) -> Iterator[tuple[Latents, LabelArray | None]]:
    """Latents float32 [B, Z] and labels int32 [B] in batches of `protocol.batch_size`; the last may be smaller.

    Each batch depends only on the seed, the purpose and its number.

    Args:
        protocol: has samples, batch_size and seed.
        latent_size: Z.
        label_shares: the probability of each class, sums to 1; None for a generator without labels.
        purpose: of the scores; see `gan.metrics.identity`.
    """
    samples, first = sample_count(protocol, purpose), SELECTION_STREAM if purpose == SELECTION else 0
    for number, start in enumerate(range(0, samples, protocol.batch_size), start=first):
        count = min(protocol.batch_size, samples - start)
        latents = tf.random.stateless_normal(
            (protocol.batch_size, latent_size), [protocol.seed, 2 * number], alg="philox"
        )[:count]
        labels = None
        if label_shares is not None:
            uniform = tf.random.stateless_uniform(
                (protocol.batch_size,), [protocol.seed, 2 * number + 1], dtype=tf.float64, alg="philox"
            )[:count]
            limits = np.cumsum(label_shares)[:-1]
            labels = np.searchsorted(limits, uniform.numpy(), side="right").astype(np.int32)
        yield latents, labels


def draw_pixels(
    draw: GenerateFn, protocol: Evaluate, latent_size: int, label_shares: Sequence[float] | None, purpose: str = FINAL
) -> Iterator[tuple[Pixels, LabelArray | None]]:
    """The Pixels uint8 [B, H, W, C] that a generator makes of `draw_inputs`, with the labels, batch by batch.

    Args:
        draw: latents and labels (or None) to Images float32 [B, H, W, C] in [-1, 1]; always called with full batches.
        protocol: see `draw_inputs`.
        latent_size: see `draw_inputs`.
        label_shares: see `draw_inputs`.
        purpose: see `draw_inputs`.
    """
    for latents, labels in draw_inputs(protocol, latent_size, label_shares, purpose):
        missing = protocol.batch_size - len(latents)
        padded = tf.pad(latents, [[0, missing], [0, 0]])
        padded_labels = None if labels is None else np.pad(labels, (0, missing))
        yield to_pixels(draw(padded, padded_labels))[: len(latents)], labels
