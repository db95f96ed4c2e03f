"""What a check sees: the current networks on fixed latents and on the real batch of the step, and how far weights move.

Nothing here draws a random number of the training or changes a variable: both networks run as for inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gan.networks.packing import packed
from gan.train.interface import Batch
from gan.train.rng import StatelessRng
from gan.train.state import TrainState
from gan.types import Images, Labels, Scalar, Tensor

LATENTS = 64
MIN_IMAGES = 16
"""Fewer real images say too little about the data."""

MIN_PACKS = 4
"""Fewer logits have no spread to speak of."""

STREAM = 1000
"""The stream of random draws for the fixed latents; training draws from the first few."""


class Probe:
    """Measures the networks of a run.

    Args:
        state: the networks.
        latent_size: Z.
        seed: of the fixed latents.
        classes: the number of classes of conditional networks; None for others.
        packing: how many images the discriminator judges together.
        batch_unit: of how many images a batch must be a multiple for the discriminator, a multiple of `packing`;
            default: `packing`.
    """

    def __init__(
        self,
        state: TrainState,
        latent_size: int,
        seed: int,
        classes: int | None = None,
        *,
        packing: int = 1,
        batch_unit: int | None = None,
    ) -> None:
        self._state = state
        self._latent_size = latent_size
        self._seed = seed
        self._classes = classes
        self._packing = packing
        self._batch_unit = batch_unit or packing
        self._before: dict[str, list[Tensor]] | None = None
        self._measure = tf.function(self._signals, autograph=False, reduce_retracing=True)

    def before_step(self) -> None:
        """Keep the weights, to measure how far the next step moves them."""
        self._before = {name: _copies(network.trainable_variables) for name, network in self._networks().items()}

    def measure(self, batch: Batch) -> dict[str, float]:
        """The signals after a step on a batch, of which about the first LATENTS images are used.

        `image_spread`, `feature_spread`: the mean distance between generated images, in pixels and in the
            discriminator's features, relative to that between real ones.
        `real_spread`, `real_feature_spread`, `real_level`: the mean distances between real images, their mean pixel.
        `logit_gap`: how far the mean logit of real images is above that of generated ones, in standard errors.
        `logit_size`: the root mean square of all logits.
        `generator_update`, `discriminator_update`: the norm of the step's change of the weights relative to theirs, if
            `before_step` was called before it.
        """
        images = self._images(batch["images"])
        measured = self._measure(images, batch["labels"][: images.shape[0]])
        names, values = zip(*measured.items(), strict=True)
        made = dict(zip(names, map(float, tf.stack(values).numpy()), strict=True))
        if int(batch["images"].shape[0]) < MIN_IMAGES:
            del made["real_spread"], made["real_level"]
        if int(images.shape[0]) // self._packing < MIN_PACKS:
            del made["feature_spread"], made["real_feature_spread"], made["logit_gap"]
        elif not made["real_feature_spread"]:
            del made["feature_spread"]  # it is relative to nothing
        return made | self._updates()

    def _images(self, images: Images) -> Images:
        count = min(max(LATENTS, self._batch_unit), int(images.shape[0]))
        return images[: count - count % self._batch_unit]

    def _networks(self) -> dict[str, Any]:
        return {"generator": self._state.generator, "discriminator": self._state.discriminator}

    def _updates(self) -> dict[str, float]:
        if self._before is None:
            return {}
        before, self._before = self._before, None
        return {
            f"{name}_update": float(_relative_change(before[name], network.trainable_variables))
            for name, network in self._networks().items()
        }

    def _signals(self, real: Images, labels: Labels) -> dict[str, Scalar]:
        count = -(-LATENTS // self._batch_unit) * self._batch_unit
        latents = StatelessRng(self._seed, 0, stream=STREAM).latents(count, self._latent_size)
        fake_labels = tf.range(count, dtype=tf.int32) % (self._classes or 1)
        conditional = self._classes is not None
        fake = self._state.generator([latents, fake_labels] if conditional else latents, training=False)
        real_logits, real_features = self._judge(real, labels)
        fake_logits, fake_features = self._judge(fake, fake_labels)
        return {
            "image_spread": _ratio(mean_distance(fake), mean_distance(real)),
            "feature_spread": _ratio(mean_distance(fake_features), mean_distance(real_features)),
            "real_spread": mean_distance(real),
            "real_feature_spread": mean_distance(real_features),
            "real_level": tf.reduce_mean(real),
            "logit_gap": gap_in_standard_errors(real_logits, fake_logits),
            "logit_size": tf.sqrt(tf.reduce_mean(tf.square(tf.concat([real_logits, fake_logits], 0)))),
        }

    def _judge(self, images: Images, labels: Labels) -> tuple[Tensor, Tensor]:
        packs = packed(images, self._packing)
        logits, features = self._state.discriminator(
            [packs, labels] if self._classes is not None else packs, training=False
        )
        return logits, features


def mean_distance(vectors: Tensor) -> Scalar:
    """The mean Euclidean distance between two different ones of N vectors, divided by the root of their length.

    Args:
        vectors: float [N, ...], N at least 2; flattened.

    Returns:
        Scalar in [0, inf); 0 if all are equal.
    """
    flat = tf.reshape(tf.cast(vectors, tf.float32), [vectors.shape[0], -1])
    flat -= tf.reduce_mean(flat, 0, keepdims=True)  # changes no distance, and keeps the digits
    squares = tf.reduce_sum(tf.square(flat), 1)
    products = tf.matmul(flat, flat, transpose_b=True)
    distances = tf.sqrt(tf.maximum(squares[:, None] + squares[None, :] - 2.0 * products, 0.0))
    distances = tf.linalg.set_diag(distances, tf.zeros_like(squares))
    count = float(flat.shape[0])
    return tf.reduce_sum(distances) / (count * (count - 1.0)) / float(flat.shape[1]) ** 0.5


def gap_in_standard_errors(real: Tensor, fake: Tensor) -> Scalar:
    """(mean of real - mean of fake) / sqrt(variance of real / N + variance of fake / M); 0 if all logits are equal.

    Welch (1947), "The generalization of 'Student's' problem when several different population variances are involved",
    Biometrika 34.

    Args:
        real: float [N, 1].
        fake: float [M, 1].
    """
    variances = (tf.math.reduce_variance(each) / float(each.shape[0]) for each in (real, fake))
    return _ratio(tf.reduce_mean(real) - tf.reduce_mean(fake), tf.sqrt(sum(variances)))


def _ratio(part: Scalar, whole: Scalar) -> Scalar:
    return tf.where(whole > 1e-12, part / tf.maximum(whole, 1e-12), tf.zeros_like(part))


def _copies(variables: Sequence[Any]) -> list[Tensor]:
    return [tf.identity(tf.convert_to_tensor(each)) for each in variables]


def _relative_change(before: Sequence[Tensor], variables: Sequence[Any]) -> Scalar:
    now = _copies(variables)
    change = tf.linalg.global_norm([new - old for new, old in zip(now, before, strict=True)])
    return change / tf.maximum(tf.linalg.global_norm(list(before)), 1e-12)
